//! What the headers of an answer say, and whether it is an answer to what was asked.

use ureq::Body;
use ureq::http::{HeaderMap, HeaderName, Response, StatusCode, header};

use super::cache::{is_commit, is_safe_name};
use super::failure::Failure;

/// What the hub says about a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Metadata {
    /// The commit that the asked revision is.
    pub(super) commit: String,
    /// What its content is called: the sha256 for large files, git's name for small ones.
    pub(super) etag: String,
    /// How many bytes it has, if the hub itself says so.
    pub(super) size: Option<u64>,
}

/// Reads the hub's own answer.
pub(super) fn metadata(headers: &HeaderMap) -> Result<Metadata, Failure> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let commit = text("x-repo-commit").ok_or_else(|| missing("x-repo-commit"))?.to_owned();
    if !is_commit(&commit) {
        return Err(Failure::Unexpected(format!("x-repo-commit is {commit:?}, which is no commit")));
    }
    let etag = text("x-linked-etag").or_else(|| text("etag")).ok_or_else(|| missing("etag"))?;
    let etag = etag.trim_start_matches("W/").trim_matches('"').to_owned();
    if !is_safe_name(&etag) {
        return Err(Failure::Unexpected(format!("etag is {etag:?}, which names no content")));
    }
    let size = text("x-linked-size").map(|size| number(size, "x-linked-size")).transpose()?;
    Ok(Metadata { commit, etag, size })
}

/// How many bytes the whole file has, by an answer to a request for its first byte.
pub(super) fn size(response: &Response<Body>) -> Result<u64, Failure> {
    let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    if response.status() != StatusCode::PARTIAL_CONTENT {
        let length = text(header::CONTENT_LENGTH).ok_or_else(|| missing("content-length"))?;
        return number(length, "content-length");
    }
    let range = text(header::CONTENT_RANGE).ok_or_else(|| missing("content-range"))?;
    match Range::parse(range) {
        Some(Range { first: 0, total: Some(total), .. }) => Ok(total),
        _ => Err(Failure::Unexpected(format!("content-range is {range:?} for the first byte"))),
    }
}

/// Where the bytes of an answer begin that was asked for those from `start` on of a file of `size`.
pub(super) fn start(response: &Response<Body>, start: u64, size: u64) -> Result<u64, Failure> {
    let text = |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    if let Some(encoding) = text(header::CONTENT_ENCODING).filter(|encoding| *encoding != "identity") {
        return Err(Failure::Unexpected(format!("the bytes come encoded as {encoding:?}")));
    }
    if response.status() != StatusCode::PARTIAL_CONTENT {
        let length =
            text(header::CONTENT_LENGTH).map(|length| number(length, "content-length")).transpose()?;
        return match length {
            Some(length) if length != size => {
                Err(Failure::Unexpected(format!("{length} bytes come, not the {size} that were announced")))
            }
            _ => Ok(0),
        };
    }
    let range = text(header::CONTENT_RANGE).ok_or_else(|| missing("content-range"))?;
    match Range::parse(range) {
        Some(range) if range.first == start && range.total.is_none_or(|total| total == size) => Ok(start),
        _ => Err(Failure::Unexpected(format!(
            "content-range is {range:?}, though bytes {start} to {} of {size} were asked for",
            size.saturating_sub(1)
        ))),
    }
}

/// `bytes first-last/total`
struct Range {
    first: u64,
    total: Option<u64>,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.trim().strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        (first <= last && total.is_none_or(|total: u64| last < total)).then_some(Self { first, total })
    }
}

fn number(text: &str, header: &str) -> Result<u64, Failure> {
    // No disk has more bytes than an i64 counts: whoever says so says something else.
    let size = text.trim().parse().ok().filter(|size| *size <= i64::MAX as u64);
    size.ok_or_else(|| Failure::Unexpected(format!("{header} is {text:?}, which is no size")))
}

fn missing(header: &str) -> Failure {
    Failure::Unexpected(format!("the header {header} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    fn read(headers: &[(&'static str, &str)]) -> Result<Metadata, String> {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()));
        metadata(&headers.collect()).map_err(|failure| format!("{failure:?}"))
    }

    #[test]
    fn the_hub_says_what_a_file_is() {
        let small = read(&[("x-repo-commit", COMMIT), ("etag", "W/\"abc\"")]).unwrap();
        assert_eq!((small.etag.as_str(), small.size), ("abc", None));
        let headers = [
            ("x-repo-commit", COMMIT),
            ("etag", "\"cdn\""),
            ("x-linked-etag", "\"abc\""),
            ("x-linked-size", "7"),
        ];
        let large = read(&headers).unwrap();
        assert_eq!((large.etag.as_str(), large.size, large.commit.as_str()), ("abc", Some(7), COMMIT));
    }

    #[test]
    fn a_size_that_is_none_is_an_error_and_never_no_size() {
        for size in ["", "-1", "99999999999999999999", "18446744073709551615", "1e9", "0x10", "7 bytes"] {
            let message =
                read(&[("x-repo-commit", COMMIT), ("etag", "a"), ("x-linked-size", size)]).unwrap_err();
            assert!(message.contains("x-linked-size"), "{message}");
        }
    }

    #[test]
    fn what_would_lead_out_of_the_cache_is_no_name() {
        for (commit, etag) in [("../../x", "a"), (COMMIT, "../x"), (COMMIT, "\"\""), ("0123", "a")] {
            assert!(read(&[("x-repo-commit", commit), ("etag", etag)]).is_err(), "{commit} {etag}");
        }
    }

    fn answer(status: u16, headers: &[(&str, &str)]) -> Response<Body> {
        let mut builder = Response::builder().status(status);
        for (name, value) in headers {
            builder = builder.header(*name, *value);
        }
        builder.body(Body::builder().data(Vec::new())).unwrap()
    }

    #[test]
    fn bytes_must_be_those_that_were_asked_for() {
        let at = |status, headers: &[(&str, &str)]| start(&answer(status, headers), 10, 100).ok();
        assert_eq!(at(206, &[("content-range", "bytes 10-99/100")]), Some(10));
        assert_eq!(at(206, &[("content-range", "bytes 10-50/*")]), Some(10));
        assert_eq!(at(200, &[("content-length", "100")]), Some(0));
        assert_eq!(at(200, &[]), Some(0));
        for wrong in [
            "bytes 0-99/100",
            "bytes 11-99/100",
            "bytes 10-99/101",
            "bytes 10-9/100",
            "10-99/100",
            "bytes */100",
        ] {
            assert_eq!(at(206, &[("content-range", wrong)]), None, "{wrong}");
        }
        assert_eq!(at(206, &[]), None);
        assert_eq!(at(200, &[("content-length", "7")]), None);
        assert_eq!(at(200, &[("content-length", "100"), ("content-encoding", "gzip")]), None);
    }

    #[test]
    fn a_size_is_read_off_the_first_byte() {
        let of = |status, headers: &[(&str, &str)]| size(&answer(status, headers)).ok();
        assert_eq!(of(206, &[("content-range", "bytes 0-0/100"), ("content-length", "1")]), Some(100));
        assert_eq!(of(200, &[("content-length", "100")]), Some(100));
        assert_eq!(of(206, &[("content-range", "bytes 0-0/*")]), None);
        assert_eq!(of(206, &[("content-length", "1")]), None);
        assert_eq!(of(206, &[("content-range", "bytes 5-5/100")]), None);
        assert_eq!(of(200, &[]), None);
    }
}
