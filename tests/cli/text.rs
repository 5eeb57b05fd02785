//! The text as a figure and as a page, coloured by a row or by what is looked at.

use std::fs;

use serde_json::Value;

use crate::support::program::Home;

/// Of each token of the embedded models, by the article's prompt.
const PROMPT: &str = "write a story about AI";

/// What `export` writes of a view.
fn written(view: &str, format: &str, more: &[&str]) -> String {
    let home = Home::new();
    let file = format!("text.{format}");
    let arguments = ["export", "--prompt", PROMPT, "--view", view, "--format", format, "--out", &file];
    let ended = home.run(arguments.into_iter().chain(more.iter().copied()));
    assert_eq!(ended.text(), "");
    fs::read_to_string(home.path(&file)).unwrap()
}

#[test]
fn a_text_is_drawn_with_the_row_of_a_token() {
    let svg = written("text:mean", "svg", &[]);
    assert_eq!(svg.matches("looks at · ").count(), 2, "a text for each model");
    assert_eq!(svg.matches(">story</text>").count() + svg.matches(">st</text>").count(), 2, "{svg}");
    assert!(
        svg.contains("what “AI” (4) looks at · sink 0.")
            && svg.contains("The colour of a token is what the marked")
    );
    let earlier =
        written("text:head:1.1@2", "svg", &["--normalisation", "without-first", "--model", "demo:gpt2"]);
    assert!(earlier.contains("layer 1, head 1 · without first token"), "{earlier}");
    assert!(earlier.contains("(2) looks at · first token 0."));
    let boxes = |svg: &str| svg.matches("height=\"18\"").count();
    assert_eq!(
        boxes(&earlier),
        2,
        "the second and the third token: the first is left out, later ones are no zeros"
    );
}

#[test]
fn a_text_is_drawn_with_what_is_looked_at_and_made_again_from_its_file() {
    let home = Home::new();
    let export =
        ["export", "--prompt", PROMPT, "--view", "looked-at:layer:1", "--format", "svg", "--out", "a.svg"];
    assert_eq!(home.run(export).text(), "");
    let svg = fs::read_to_string(home.path("a.svg")).unwrap();
    assert!(svg.contains("how much each token is looked at by later ones") && !svg.contains("looks at ·"));
    assert_eq!(home.run(["render", "a.svg", "--out", "b.svg"]).text(), "");
    assert_eq!(fs::read_to_string(home.path("b.svg")).unwrap(), svg);
}

#[test]
fn a_page_holds_the_text_and_all_rows() {
    let page = written("text:head:0.1@3", "html", &["--model", "demo:gpt-oss"]);
    assert!(page.contains("\"text\":{\"colors\":\"looks\",\"token\":3}"), "the token that looks first");
    assert!(page.contains("\"pieces\":[{\"text\":\"write\",\"tokens\":[0,1]}"), "{page}");
    let matrix = written("head:0.1", "html", &["--model", "demo:gpt-oss"]);
    let data = |page: &str| page.split("\"data\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    assert_eq!(data(&page), data(&matrix), "the values are those of the matrix");
    assert!(!matrix.contains("\"pieces\":"));
}

#[test]
fn a_text_is_coloured_by_push_and_made_again_from_its_file() {
    let home = Home::new();
    let sentence = ["--prompt", "the cat sat on the mat and the cat"];
    let push =
        ["push", "--model", "demo:gpt2", "--token", " sat", "--versus", " on", "--query", "8", "--json"];
    let push: Value = serde_json::from_str(home.run(push.into_iter().chain(sentence)).text()).unwrap();
    let push = &push["models"][0];
    let export = ["export", "--model", "demo:gpt2", "--token", " sat", "--versus", " on", "--view"];
    for format in ["svg", "png", "html"] {
        let [made, again] = ["a", "b"].map(|name| format!("{name}.{format}"));
        let rest = ["pushed:head:1.3@8", "--out", &made];
        assert_eq!(home.run(export.into_iter().chain(rest).chain(sentence)).text(), "");
        assert_eq!(home.run(["render", &made, "--out", &again]).text(), "");
        let [made, again] = [made, again].map(|file| fs::read(home.path(&file)).unwrap());
        assert!(made == again, "{format}");
    }
    let [svg, page] = ["a.svg", "a.html"].map(|file| fs::read_to_string(home.path(file)).unwrap());
    let signed = |value: &Value| format!("{:+.3}", value.as_f64().unwrap()).replace('-', "−");
    let head = push["heads"]
        .as_array()
        .unwrap()
        .iter()
        .find(|head| head["layer"] == 1 && head["head"] == 3)
        .unwrap();
    let says = format!(
        "logit of “ sat” less “ on”, after “the” (token 8): {}, of which head 1.3 adds {}",
        signed(&push["logit"]),
        signed(&head["push"])
    );
    for says in
        [says.as_str(), "what head 1.3 pushes through each token", "push (logits)", "Direct effects only"]
    {
        assert!(svg.contains(says), "{says}: {svg}");
    }
    assert_eq!(svg.matches("stroke-width=\"1.6\"").count(), 1, "the token after which it is");
    assert!(!svg.contains("≥"), "nothing is beyond the largest: {svg}");
    assert!(svg.contains(">sat</text>") && !svg.contains("> sat</text>"), "browsers drop blanks: {svg}");
    assert!(page.contains("\"colors\":\"push\"") && page.contains(&says), "{says}");
    assert!(
        page.contains("<title>Push of demo:gpt2</title>") && page.contains("\"views\":[]"),
        "no attention"
    );
    assert!(!page.contains("id=\"colors\"") && !page.contains("id=\"rule\""), "and nothing to choose there");
    let data = page.split_once("\"push\":{").unwrap().1.split_once("\"heads\":").unwrap().0;
    let values = data.split_once("\"values\":[").unwrap().1.split_once(']').unwrap().0;
    let values: Vec<f32> = values.split(',').map(|value| value.parse().unwrap()).collect();
    let keys: Vec<f32> =
        head["keys"].as_array().unwrap().iter().map(|key| key.as_f64().unwrap() as f32).collect();
    assert_eq!(values, keys, "what the page says of a token is what push says of it");
    // Each model has a token of its own for the text of a next one, and both have a panel.
    let both = ["export", "--pair", "demo", "--token", " sat", "--view", "pushed:mean", "--out", "c.svg"];
    assert_eq!(home.run(both.into_iter().chain(sentence)).text(), "");
    let svg = fs::read_to_string(home.path("c.svg")).unwrap();
    assert_eq!(svg.matches(">logit of “ sat” less the mean of all").count(), 2, "{svg}");
}

#[test]
fn what_is_no_push_is_told() {
    let home = Home::new();
    let refuses = |more: &[&str], code: i32, why: &str| {
        let export = ["export", "--model", "demo:gpt2", "--prompt", PROMPT, "--out", "x.svg"];
        home.run(export.into_iter().chain(more.iter().copied())).failed(code, &[why]);
    };
    refuses(&["--view", "pushed:mean", "--normalisation", "renormalised"], 2, "push adds up to a logit");
    refuses(&["--view", "mean", "--token", "5"], 2, "they go with --view pushed:mean");
    refuses(&["--view", "pushed:mean@99"], 1, "--view pushed:mean@99: the prompt has ");
    refuses(&["--view", "pushed:mean", "--token", "nothing of that name"], 1, "nothing of that name");
    refuses(&["--view", "pushed:5-5:mean"], 1, "against itself");
    refuses(&["--view", "pushed:head:9.9"], 1, "has layers 0 to 3");
    refuses(&["--view", "pushed:rollout"], 2, "use pushed:mean, pushed:layer:3, pushed:head:3.5");
    refuses(&["--view", "pushed:value-weighted:head:1.1"], 2, "use pushed:mean, pushed:layer:3");
    refuses(&["--view", "looked-at:mean@2"], 2, "use looked-at:mean");
    // A file that was written so is made again as it is.
    let export =
        ["export", "--model", "demo:gpt2", "--view", "pushed:mean", "--prompt", PROMPT, "--out", "a.svg"];
    assert_eq!(home.run(export).text(), "");
    let svg = fs::read_to_string(home.path("a.svg")).unwrap();
    let older = svg.replace("pushed:mean", "pushed:rollout");
    fs::write(home.path("a.svg"), &older).unwrap();
    assert_eq!(home.run(["render", "a.svg", "--out", "b.svg"]).text(), "");
    assert_eq!(fs::read_to_string(home.path("b.svg")).unwrap(), older);
}

#[test]
fn what_is_no_text_is_told() {
    let home = Home::new();
    let refuses = |view: &str, format: &str, code: i32, why: &str| {
        let out = format!("x.{format}");
        let ended =
            home.run(["export", "--model", "demo:gpt2", "--view", view, "--format", format, "--out", &out]);
        ended.failed(code, &[why]);
    };
    refuses("text:mean", "csv", 2, "a text is a figure: write it as svg, png or html");
    refuses("text:mean@x", "svg", 2, "'x' is no number of a token");
    refuses("text:mean@99", "svg", 1, "--view text:mean@99: the prompt has ");
    refuses("looked-at:head:9.9", "svg", 1, "has layers 0 to 3");
}
