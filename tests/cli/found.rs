//! What `push`, `effect`, `patch` and `sinks` write into files: figures, and numbers with their recipe.

use std::fs;

use serde_json::Value;

use crate::support::program::{Home, golden, text};

const TEXT: &str = "the cat and the dog. The dog and the cat";

/// What a command writes in a format, and the same made again from the recipe in it.
fn written(home: &Home, command: &[&str], format: &str) -> Vec<u8> {
    let (out, again) = (home.path(&format!("a.{format}")), home.path(&format!("b.{format}")));
    home.run(command.iter().copied().chain(["--format", format, "--out", text(&out)])).text();
    home.run(["render", text(&out), "--out", text(&again)]).text();
    let made = fs::read(&out).unwrap();
    assert_eq!(made, fs::read(&again).unwrap(), "{command:?} as {format}");
    made
}

fn text_of(home: &Home, command: &[&str], format: &str) -> String {
    String::from_utf8(written(home, command, format)).unwrap()
}

fn json_of(home: &Home, command: &[&str]) -> Value {
    serde_json::from_slice(&written(home, command, "json")).unwrap()
}

#[test]
fn push_is_written_with_its_residual_and_made_again() {
    let home = Home::new();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let command = ["push", "--model", text(&left), "--model", text(&right), "--prompt", TEXT, "--query", "3"];
    let svg = text_of(&home, &command, "svg");
    for says in [
        "residual ",
        "less the mean of all logits, after ",
        "(token 3)",
        "push (logits)",
        "A bar is what",
        "embedding",
        "Direct effects only",
    ] {
        assert!(svg.contains(says), "{says}: {svg}");
    }
    assert!(!svg.contains("linearGradient"), "bars have numbers, and no colour bar: {svg}");
    assert!(written(&home, &command, "png").starts_with(b"\x89PNG"));
    let json = json_of(&home, &command);
    assert_eq!(
        (&json["recipe"]["view"], &json["recipe"]["beside"]["view"]),
        (&"push@3".into(), &"push@3".into())
    );
    let models = json["models"].as_array().unwrap();
    assert_eq!(models.len(), 2);
    for model in models {
        assert!(model["residual"].as_f64().unwrap().abs() < 1e-4, "{model}");
        assert_eq!(model["after"]["at"], 3);
    }
    let csv = text_of(&home, &command, "csv");
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("# {\"program\"") && lines[1].starts_with("model,query,target,"), "{csv}");
    assert_eq!(csv.matches(",residual,").count(), 2);
    let named = ["push", "--model", text(&left), "--prompt", TEXT, "--token", "5", "--versus", "6"];
    assert_eq!(json_of(&home, &named)["recipe"]["view"], "push:5-6");
}

#[test]
fn effects_are_written_beside_shares_and_made_again() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let asked = ["effect", "--model", text(&model), "--prompt", TEXT];
    let with =
        |more: &[&'static str]| asked.iter().copied().chain(more.iter().copied()).collect::<Vec<&str>>();
    let svg = text_of(&home, &with(&["--words"]), "svg");
    for says in ["share against effect", "value-weighted", "ρ ", "Spearman", "effect: Δ ln p"] {
        assert!(svg.contains(says), "{says}: {svg}");
    }
    assert!(written(&home, &with(&["--words"]), "png").starts_with(b"\x89PNG"));
    for (more, view, count) in [
        (&["--words", "--token", "5"][..], "effect-words:5", 10),
        (&["--sentences"], "effect-sentences", 2),
        (&["--span", "1:3", "--span", "4:5"], "effect-spans", 2),
        (&[], "effect", 2),
    ] {
        let json = json_of(&home, &with(more));
        assert_eq!(json["recipe"]["view"], view);
        assert_eq!(json["models"][0]["spans"].as_array().unwrap().len(), count, "{view}: {json}");
        let csv = text_of(&home, &with(more), "csv");
        assert_eq!(csv.lines().count(), 2 + count, "{csv}");
    }
    // A file's names are in the recipe, and not its path.
    let parts = home.path("parts.json");
    fs::write(&parts, r#"[{"name": "begin", "start": 0, "end": 7}]"#).unwrap();
    let by = ["effect", "--model", text(&model), "--prompt", TEXT, "--by", text(&parts)];
    let out = home.path("c.json");
    home.run(by.into_iter().chain(["--format", "json", "--out", text(&out)])).text();
    fs::remove_file(&parts).unwrap();
    home.run(["render", text(&out), "--out", text(&home.path("d.json"))]).text();
    assert_eq!(fs::read(&out).unwrap(), fs::read(home.path("d.json")).unwrap());
    assert!(fs::read_to_string(&out).unwrap().contains("begin"));
    // A recipe is no more to be trusted than any file.
    for (of, says) in
        [("[{\"start\":4,\"end\":4}]", "no span 4:4"), ("[{\"start\":0,\"end\":99}]", "no span 0:99")]
    {
        let recipe = format!(
            "{{\"program\":\"attnscope {}\",\"format\":\"csv\",\"model\":\"{}\",\"revision\":null,\"family\":\"gpt2\",\
             \"device\":\"cpu\",\"dtype\":\"f32\",\"input\":{{\"prompt\":\"the cat\"}},\"view\":\"effect-spans\",\
             \"spans\":{of},\"normalisation\":\"raw\"}}",
            env!("CARGO_PKG_VERSION"),
            text(&model)
        );
        fs::write(home.path("recipe.json"), recipe).unwrap();
        home.run(["render", "recipe.json", "--out", "-"]).failed(1, &[says]);
    }
}

#[test]
fn a_map_of_patching_is_written_and_made_again() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let prompts = ["--prompt", "the cat and the dog", "--prompt", "the dog and the cat"];
    for what in ["heads", "residual"] {
        let model = text(&model);
        let command: Vec<&str> =
            ["patch", "--model", model, "--what", what].into_iter().chain(prompts).collect();
        let svg = text_of(&home, &command, "svg");
        for says in ["taken from", "the cat and the dog", "the dog and the cat", ">effect</text>"] {
            assert!(svg.contains(says), "{says}: {svg}");
        }
        assert_eq!(svg.contains(" for "), what == "residual", "which token stands for which: {svg}");
        assert!(written(&home, &command, "png").starts_with(b"\x89PNG"));
        let json = json_of(&home, &command);
        assert_eq!(json["recipe"]["beside"]["input"]["prompt"], "the dog and the cat");
        assert_eq!(json["models"][0]["what"], what);
        let csv = text_of(&home, &command, "csv");
        assert!(csv.lines().nth(1).unwrap().starts_with("model,what,token,"), "{csv}");
        let to = ["--format", "svg", "--out", "-"];
        let both: Vec<&str> = command.iter().copied().chain(["--model", "demo:gpt2"]).chain(to).collect();
        home.run(both).failed(2, &["one model", "--model"]);
    }
    let once = ["patch", "--model", text(&model), "--prompt", TEXT, "--without", "none", "--without", "1.2"];
    let tokens = ["--token", "5", "--versus", "6"];
    let command: Vec<&str> = once.into_iter().chain(tokens).collect();
    let json = json_of(&home, &command);
    assert_eq!(json["recipe"]["view"], "patch-heads:5-6");
    assert_eq!(json["recipe"]["beside"]["without_heads"], "1.2");
}

#[test]
fn sinks_are_a_figure_and_made_again() {
    let home = Home::new();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let command = ["sinks", "--model", text(&left), "--model", text(&right), "--prompt", TEXT];
    let svg = text_of(&home, &command, "svg");
    assert_eq!(svg.matches("what heads give to the first token").count(), 2, "{svg}");
    assert_eq!(svg.matches("what heads give to the learned sink").count(), 1, "{svg}");
    assert!(written(&home, &command, "png").starts_with(b"\x89PNG"));
    let json = json_of(&home, &command);
    assert_eq!((&json["recipe"]["view"], json["models"].as_array().unwrap().len()), (&"sinks".into(), 2));
    let plain = home.run(command.iter().copied().chain(["--json"]));
    let plain: Value = serde_json::from_str(plain.text()).unwrap();
    assert_eq!(json["models"], plain["models"]);
    let csv = text_of(&home, &command, "csv");
    let mut lines = csv.lines().skip(1);
    assert_eq!(lines.next(), Some("model,of,layer,head,key,key_token,dimension,number,value"));
    let rest: Vec<&str> = lines.collect();
    let count = |of: &str| rest.iter().filter(|line| line.contains(of)).count();
    assert_eq!(
        (count(",first_token,"), count(",learned_sink,"), count(",median,")),
        (3 * 4 + 4 * 4, 4 * 4, 4 + 5)
    );
    let printed = home.run(command.iter().copied().chain(["--csv"]));
    assert_eq!(printed.text().lines().skip(1).collect::<Vec<_>>(), rest, "what is printed has no recipe");
}

/// Line ends have no text, and are seen; sentences are called by their numbers and first words.
#[test]
fn names_of_spans_in_a_figure_can_be_read() {
    let home = Home::new();
    let of = |prompt: &str, by: &str| {
        let effect = ["effect", "--model", "demo:gpt2", "--prompt", prompt, by];
        text_of(&home, &effect, "svg")
    };
    let words = of("the cat\n\nsat", "--words");
    assert!(words.contains(" \\n</text>") && !words.contains(" </text>"), "{words}");
    let sentences = of(&format!("{TEXT}."), "--sentences");
    assert!(sentences.contains(">1 the cat and the dog.</text>"), "{sentences}");
}

/// The message of each command lists what it writes, and nothing else.
#[test]
fn a_name_that_says_no_format_is_told_what_the_command_writes() {
    let home = Home::new();
    std::fs::write(home.path("prompts"), "a\n").unwrap();
    for (command, formats) in [
        (&["sinks"][..], ".csv, .json, .svg or .png"),
        (&["push"], ".csv, .json, .svg or .png"),
        (&["effect"], ".csv, .json, .svg or .png"),
        (&["patch", "--model", "demo:gpt2", "--prompt", "a", "--prompt", "b"], ".csv, .json, .svg or .png"),
        (&["export", "--view", "map:sink"], ".svg or .png"),
        (&["export", "--prompts", "prompts"], ".npz"),
        (&["generate"], ".csv, .json, .npz, .safetensors, .md, .svg, .png or .html"),
    ] {
        let ended = home.run(command.iter().copied().chain(["--out", "x"]));
        ended.failed(2, &[&format!("name a file that ends in {formats}, or add --format")]);
    }
}

#[test]
fn what_is_no_such_file_is_refused_before_a_model_is_loaded() {
    let home = Home::new();
    let to = ["--prompt", "a b", "--out", "-"];
    for (command, words) in [
        (&["sinks", "--format", "md"][..], &["--format: 'md' is none of csv, json, svg, png"][..]),
        (&["sinks", "--csv", "--json"], &["--csv", "--json"]),
        (&["push", "--format", "npz"], &["--format: 'npz' is none of csv, json, svg, png"]),
        (&["effect", "--format", "html"], &["--format: 'html' is none of csv, json, svg, png"]),
        (&["push", "--format", "svg", "--difference"], &["--difference and --normalisation"]),
        (&["push", "--format", "csv", "--theme", "dark"], &["flags of figures go with --format svg"]),
        (&["push", "--format", "svg", "--json"], &["--json", "--format"]),
        (&["push"], &["--out - does not say which format", "--format"]),
        (&["push", "--json"], &["--json", "--out"]),
        (&["export", "--view", "push", "--format", "svg"], &["attnscope push --out FILE.svg"]),
        (&["export", "--view", "sinks", "--format", "svg"], &["attnscope sinks --out FILE.svg"]),
        (&["export", "--view", "effect@3", "--format", "svg"], &["'@3' is no number of a token"]),
    ] {
        home.run(command.iter().copied().chain(to)).failed(2, words);
    }
    home.run(["push", "--prompt", "a b", "--theme", "dark"]).failed(2, &["--format svg or png"]);
}

/// What a name ends in says what the file is, with each command that writes one, and a flag can't say otherwise.
#[test]
fn the_name_of_a_file_says_its_format() {
    let home = Home::new();
    let model = ["--model", "demo:gpt2", "--prompt", "a b"];
    let two = ["--prompt", "a b", "--prompt", "a c", "--model", "demo:gpt2", "--token", "5", "--versus", "6"];
    let [one, patched] = [&model[..], &two[..]];
    for (command, more, ending, begins) in [
        ("export", one, "csv", "# {"),
        ("export", one, "svg", "<svg "),
        ("export", one, "HTML", "<!doctype html"),
        ("generate", one, "json", "{\"recipe\":"),
        ("push", one, "svg", "<svg "),
        ("effect", one, "csv", "# {"),
        ("sinks", one, "json", "{\"recipe\":"),
        ("patch", patched, "json", "{\"recipe\":"),
    ] {
        let out = format!("{command}.{ending}");
        let ended = home.run([command].into_iter().chain(more.iter().copied()).chain(["--out", &out]));
        assert_eq!((ended.code, ended.stdout.as_slice()), (0, &b""[..]), "{command}: {}", ended.stderr);
        let made = fs::read_to_string(home.path(&out)).unwrap();
        assert!(made.starts_with(begins), "{command}: {}", &made[..40.min(made.len())]);
        let other = if ending == "csv" { "json" } else { "csv" };
        let says = ["--out", &out, "--format", other];
        home.run([command].into_iter().chain(more.iter().copied()).chain(says))
            .failed(2, &[&format!("--format {other} contradicts --out {out}"), &format!("ends in .{other}")]);
    }
    for command in [
        &["render", "export.svg", "--out", "again.png"][..],
        &["screenshot", "--out", "screen.png"],
        &["compare", "--report", "page.svg"],
    ] {
        home.run(command.iter().copied())
            .failed(2, &["and this is written as ", "name a file that ends in ."]);
    }
}

/// Two words that are the same are told apart; a few spans, and none, are counted as they are.
#[test]
fn spans_of_a_figure_have_their_places() {
    let home = Home::new();
    let figure = |prompt: &str| {
        let rest = ["--model", "demo:gpt2", "--words", "--prompt", prompt, "--out", "a.svg"];
        home.run(["effect"].into_iter().chain(rest)).text();
        fs::read_to_string(home.path("a.svg")).unwrap()
    };
    let svg = figure("the end of the story");
    for says in [">0:1 the<", ":4 the<", "· 5 spans ·"] {
        assert!(svg.contains(says), "{says}: {svg}");
    }
    assert!(!svg.contains("font-weight"), "the font of figures has one weight");
    assert!(figure("the end").contains("· 2 spans ·"));
    assert!(figure("the").contains("no span has tokens behind it"));
}
