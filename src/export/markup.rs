//! What may stand in a page of HTML, and how it gets there.

/// Text between tags, or in an attribute.
pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// JSON that may stand in a script: nothing in it ends one, or begins a comment.
pub fn script(json: &str) -> String {
    json.replace('<', "\\u003c")
}

/// A template with its `{{places}}` filled; what is filled in is not looked at again.
pub fn fill(template: &str, values: &[(&str, String)]) -> String {
    let mut page = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, after) = after.split_once("}}").unwrap_or((after, ""));
        let value = values.iter().find(|(place, _)| *place == name);
        page.push_str(value.map_or("", |(_, value)| value));
        rest = after;
    }
    page + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_filled_once() {
        let values = [("a", "{{b}}".to_owned()), ("b", "2".to_owned())];
        assert_eq!(fill("<{{a}}|{{b}}|{{c}}>", &values), "<{{b}}|2|>");
    }

    #[test]
    fn nothing_is_markup() {
        assert_eq!(escape("<a b=\"c\"> & d"), "&lt;a b=&quot;c&quot;&gt; &amp; d");
        assert_eq!(script("\"</script><!--\""), "\"\\u003c/script>\\u003c!--\"");
    }
}
