use super::*;

fn parse_near(text: &str, folders: &[&str]) -> Result<Reference, ReferenceError> {
    let is_in = |path: &Path, known: &[&str]| known.iter().any(|k| Path::new(k) == path);
    Reference::parse(
        text,
        &Env { home: Some(PathBuf::from("/home/me")), is_folder: &|path| is_in(path, folders) },
    )
}

fn parse(text: &str) -> Result<Reference, ReferenceError> {
    parse_near(text, &[])
}

fn hub(repository: &str, revision: Option<&str>) -> Reference {
    let revision = revision.map(str::to_owned);
    Reference::Hub { repository: repository.to_owned(), revision, file: None }
}

#[test]
fn demos_are_read_and_unknown_ones_list_the_known() {
    assert_eq!(parse("demo:gpt2"), Ok(Reference::Demo(DemoModel::Gpt2)));
    assert_eq!(parse("demo:gpt-oss"), Ok(Reference::Demo(DemoModel::GptOss)));
    let message = parse("demo:llama").unwrap_err().to_string();
    assert!(message.contains("demo:gpt2") && message.contains("demo:gpt-oss"), "{message}");
}

#[test]
fn what_looks_like_a_path_is_a_folder_even_if_it_is_not_there() {
    for text in ["./x", ".", "..", "/x", "x/", "a/b/c", "../a/b"] {
        assert_eq!(parse(text), Ok(Reference::Folder(text.into())), "{text}");
    }
    assert_eq!(parse("~/models/x"), Ok(Reference::Folder("/home/me/models/x".into())));
    assert_eq!(parse("~"), Ok(Reference::Folder("/home/me".into())));
}

#[test]
fn hub_names_keep_their_revision() {
    assert_eq!(parse("openai/gpt-oss-20b"), Ok(hub("openai/gpt-oss-20b", None)));
    assert_eq!(parse("gpt2"), Ok(hub("gpt2", None)));
    assert_eq!(parse("gpt2@v1.0"), Ok(hub("gpt2", Some("v1.0"))));
    assert_eq!(parse("org/name@refs/pr/1"), Ok(hub("org/name", Some("refs/pr/1"))));
}

#[test]
fn a_folder_of_that_name_wins() {
    assert_eq!(parse_near("gpt2", &["gpt2"]), Ok(Reference::Folder("gpt2".into())));
    assert_eq!(parse_near("a/b", &["a/b"]), Ok(Reference::Folder("a/b".into())), "whatever is in it");
}

#[test]
fn what_is_no_name_is_refused() {
    for text in ["a b", "org/na me", "org/-x", "org/x.", "a--b/c", "örg/x", "http:x", "@main"] {
        assert!(matches!(parse(text), Err(ReferenceError::Repository(_))), "{text}");
    }
    for text in ["a/b@", "a/b@..", "a/b@x..y", "a/b@/x", "a/b@x y", "a/b@x?y", "a/b@x//y", "a/b@.git"] {
        assert!(matches!(parse(text), Err(ReferenceError::Revision { .. })), "{text}");
    }
    assert_eq!(parse(""), Err(ReferenceError::Empty));
    assert_eq!(parse("  "), Err(ReferenceError::Empty));
}

#[test]
fn gguf_is_a_file() {
    for text in ["model.gguf", "./x/model.Q4.GGUF", "a/b.gguf"] {
        assert_eq!(parse(text), Ok(Reference::File(text.into())), "{text}");
    }
    assert_eq!(parse("~/model.gguf"), Ok(Reference::File("/home/me/model.gguf".into())));
    assert_eq!(parse_near("x.gguf", &["x.gguf"]), Ok(Reference::Folder("x.gguf".into())));
    assert_eq!(parse("ggml-org/models-GGUF"), Ok(hub("ggml-org/models-GGUF", None)));
}

fn hub_file(repository: &str, revision: Option<&str>, name: &str) -> Reference {
    let Reference::Hub { repository, revision, .. } = hub(repository, revision) else { unreachable!() };
    Reference::Hub { repository, revision, file: Some(name.to_owned()) }
}

#[test]
fn a_gguf_file_of_a_repository_is_named_behind_a_colon() {
    for (text, revision, file) in [
        ("a/b:m.Q4_K_M.gguf", None, "m.Q4_K_M.gguf"),
        ("a/b@v1:m.GGUF", Some("v1"), "m.GGUF"),
        ("a/b@1.0+cu12:m+n.gguf", Some("1.0+cu12"), "m+n.gguf"),
        ("a/b:Q8_0/m-00001-of-00002.gguf", None, "Q8_0/m-00001-of-00002.gguf"),
    ] {
        assert_eq!(parse(text), Ok(hub_file("a/b", revision, file)), "{text}");
        assert_eq!(parse(text).unwrap().to_string(), text);
    }
    let rounded = parse("a/b:m.gguf~q4_0").unwrap();
    assert_eq!(
        (rounded.base(), rounded.to_string().as_str()),
        (&hub_file("a/b", None, "m.gguf"), "a/b:m.gguf~q4_0")
    );
    assert_eq!(parse("a/b:m.gguf+c/d").unwrap().base(), &hub_file("a/b", None, "m.gguf"));
    assert_eq!(parse("a/b:m.gguf").unwrap().at("v2"), hub_file("a/b", Some("v2"), "m.gguf"));
    // Paths, and what could lead out of the cache.
    for text in [
        "./a/b:m.gguf",
        "a:m.gguf",
        "/a/b:m.gguf",
        "a/b:../m.gguf",
        "a/b:/m.gguf",
        "a/b:.m.gguf",
        "a/b/c:m.gguf",
    ] {
        assert_eq!(parse(text), Ok(Reference::File(text.into())), "{text}");
    }
    assert_eq!(parse_near("a/b:m.gguf", &["a/b:m.gguf"]), Ok(Reference::Folder("a/b:m.gguf".into())));
    let message = parse("a/b:Q4_K_M").unwrap_err().to_string();
    assert!(message.contains("org/name:file.gguf"), "{message}");
}

#[test]
fn a_plus_names_an_adapter_unless_a_folder_or_a_revision_has_it() {
    let adapted = |base: Reference, adapter: Reference| {
        Ok(Reference::Adapted { base: Box::new(base), adapter: Box::new(adapter) })
    };
    let folder = |path: &str| Reference::Folder(path.into());
    assert_eq!(parse("a/b+c/d"), adapted(hub("a/b", None), hub("c/d", None)));
    assert_eq!(parse("a/b@v1+c/d@v2"), adapted(hub("a/b", Some("v1")), hub("c/d", Some("v2"))));
    assert_eq!(parse("./a+./b"), adapted(folder("./a"), folder("./b")));
    assert_eq!(parse("demo:gpt2+/b"), adapted(Reference::Demo(DemoModel::Gpt2), folder("/b")));
    assert_eq!(parse("~/a+~/b"), adapted(folder("/home/me/a"), folder("/home/me/b")));
    assert_eq!(parse("gpt2+mine"), adapted(hub("gpt2", None), hub("mine", None)));
    assert_eq!(parse_near("a/b@v1+mine", &["mine"]), adapted(hub("a/b", Some("v1")), folder("mine")));
    assert_eq!(parse("a/b@1.0+cu12"), Ok(hub("a/b", Some("1.0+cu12"))));
    assert_eq!(parse_near("./a+b", &["./a+b"]), Ok(folder("./a+b")));
    assert!(parse("demo:x+./b").is_err() && parse("+").is_err() && parse("a/b+").is_err());
    let named = parse("a/b+c/d").unwrap();
    assert_eq!(named.base(), &hub("a/b", None));
}

#[test]
fn what_is_no_rounding_is_named_with_those_there_are() {
    for text in ["demo:gpt2~nope", "a/b~nope", "gpt2~nope", "a/b@v1~nope", "a/b+c/d~nope"] {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.starts_with("'nope' is no rounding: use ") && message.contains("q4_0"), "{message}");
    }
    for (text, words) in [("demo:nope~q4_0", "\"nope\""), ("demo:a~b", "\"a~b\""), ("a b~c", "\"a b~c\"")] {
        let message = parse(text).unwrap_err().to_string();
        assert!(message.contains(words) && !message.contains("rounding"), "{text}: {message}");
    }
}

#[test]
fn display_reads_back() {
    for text in [
        "a/b@v1+./c",
        "demo:gpt2~q4_0",
        "ollama:llama3.2:1b",
        "a/b@v1+./c~mxfp4",
        "demo:gpt2",
        "demo:gpt-oss",
        "./x",
        "/a/b",
        "/a/b.gguf",
        "org/name",
        "org/name@refs/pr/1",
        "gpt2",
    ] {
        assert_eq!(parse(text).map(|reference| reference.to_string()), Ok(text.to_owned()));
    }
}
