//! What `print` and `export` write.

use std::fs;
use std::io::{Read as _, Write as _};
use std::process::Stdio;

use safetensors::SafeTensors;
use serde_json::Value;

use crate::support::numbers::floats;
use crate::support::program::{Ended, Home, golden, text};

const PROMPT: &str = "write a story about AI";

/// Made by the article's own Python from the golden attention.
#[test]
fn print_is_the_articles_printout() {
    let home = Home::new();
    for (model, expected) in [
        ("gpt2-tiny", include_str!("../expected/print-gpt2-tiny.txt")),
        ("gpt-oss-tiny", include_str!("../expected/print-gpt-oss-tiny.txt")),
    ] {
        let ended = home.run(["print", "--model", text(&golden(model)), "--prompt", PROMPT]);
        assert_eq!(ended.text(), expected);
    }
}

#[test]
fn print_takes_several_models_and_pairs() {
    let home = Home::new();
    let (left, right) = (golden("gpt2-tiny"), golden("gpt-oss-tiny"));
    let expected = format!(
        "# {}\n{}\n# {}\n{}",
        left.display(),
        include_str!("../expected/print-gpt2-tiny.txt"),
        right.display(),
        include_str!("../expected/print-gpt-oss-tiny.txt")
    );
    assert_eq!(home.run(["print", "--model", text(&left), "--model", text(&right)]).text(), expected);

    let config = format!("[pairs.tiny]\nleft = '{}'\nright = '{}'", left.display(), right.display());
    fs::create_dir_all(home.path("config/attnscope")).unwrap();
    fs::write(home.path("config/attnscope/config.toml"), config).unwrap();
    assert_eq!(home.run(["print", "--pair", "tiny"]).text(), expected);
}

#[test]
fn print_without_anything_shows_the_embedded_pair() {
    let ended = Home::new().run(["print"]);
    let (gpt2, gpt_oss) = ended.text().split_once("\n# demo:gpt-oss\n").unwrap();
    assert!(gpt2.starts_with("# demo:gpt2\nTokens: ['w"), "{gpt2}");
    assert!(gpt2.contains(" -> [1.0, 0.0, 0.0, 0.0, 0.0"), "{gpt2}");
    assert!(gpt_oss.contains("\n      sink -> [0."), "{gpt_oss}");
}

#[test]
fn a_prompt_comes_from_a_file_or_a_pipe_byte_for_byte() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let prompt = " two lines\n";
    fs::write(home.path("prompt.txt"), prompt).unwrap();
    let direct = home.run(["print", "--model", text(&model), "--prompt", prompt]);
    let of_file = home.run(["print", "--model", text(&model), "--prompt-file", "prompt.txt"]);
    assert_eq!(of_file.text(), direct.text());
    assert!(direct.text().lines().next().unwrap().ends_with("'Ċ']"), "{}", direct.text());

    let mut command = home.command(["print", "--model", text(&model), "--prompt-file", "-"]);
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(prompt.as_bytes()).unwrap();
    assert_eq!(Ended::from(child.wait_with_output().unwrap()).text(), direct.text());
}

/// As Hugging Face reads it: a character like others, and never as it is on the terminal.
#[test]
fn a_nul_in_a_prompt_is_a_token() {
    let (home, model) = (Home::new(), golden("gpt2-tiny"));
    fs::write(home.path("prompt.txt"), "a\0b").unwrap();
    let ended = home.run(["print", "--model", text(&model), "--prompt-file", "prompt.txt"]);
    let tokens = ended.text().lines().next().unwrap().to_owned();
    assert_eq!(tokens, "Tokens: ['a', 'Ā', 'b']");
    assert!(!ended.text().contains('\0'));
}

/// The values of each view are the same in every format, and sums of the heads.
#[test]
fn formats_agree() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let export = |format: &str, view: &str| {
        let ended = home.run([
            "export",
            "--model",
            text(&model),
            "--prompt",
            PROMPT,
            "--view",
            view,
            "--format",
            format,
            "--out",
            "-",
        ]);
        assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
        ended.stdout
    };
    for view in ["mean", "layer:2", "head:3.1", "group:3.1", "sliding", "full", "rollout", "all"] {
        let bytes = export("safetensors", view);
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (attention, sink) = (floats(&file, "attentions"), floats(&file, "sink"));

        let document: Value = serde_json::from_slice(&export("json", view)).unwrap();
        assert_eq!(flat(&document["attention"]), attention, "{view}");
        assert_eq!(flat(&document["sink"]), sink, "{view}");
        assert_eq!(document["recipe"]["view"], view);
        assert_eq!(document["recipe"]["input"]["prompt"], PROMPT);
        assert_eq!(document["tokens"][6]["raw"], "ĠAI");
        assert_eq!(document["tokens"][6]["span"], serde_json::json!([19, 22]));
        assert_eq!(document["next"].as_array().unwrap().len(), 10);

        let csv = String::from_utf8(export("csv", view)).unwrap();
        let rows: Vec<&str> = csv.lines().skip(2).collect();
        // The same table once more, to four decimals.
        let md = String::from_utf8(export("md", view)).unwrap();
        let numbers = |rows: &[&str], separator: char, skipped: usize| -> Vec<f32> {
            let cells = rows.iter().flat_map(|row| row.split(separator).skip(skipped));
            cells.filter_map(|cell| cell.trim().parse().ok()).collect()
        };
        let md: Vec<&str> = md.lines().skip(4).collect();
        assert_eq!(md.len(), rows.len(), "{view}");
        if view != "all" {
            let (found, expected) = (numbers(&md, '|', 2), numbers(&rows, ',', 1));
            assert_eq!(found.len(), expected.len(), "{view}");
            assert!(found.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 0.51e-4), "{view}: {found:?}");
        }
        if view == "all" {
            let values = |sinks: bool| {
                let is_sink = move |row: &&&str| (row.split(',').nth(3) == Some("")) == sinks;
                let value = |row: &&str| row.rsplit(',').next().unwrap().parse::<f32>().unwrap();
                rows.iter().filter(is_sink).map(value).collect::<Vec<_>>()
            };
            let visible =
                attention.iter().enumerate().filter(|(at, _)| at % 7 <= at / 7 % 7).map(|(_, v)| *v);
            assert_eq!(values(false), visible.collect::<Vec<_>>());
            assert_eq!(values(true), sink);
            continue;
        }
        assert_eq!(csv.lines().nth(1).unwrap().split(',').next_back(), Some("sink"));
        for (query, (row, (attention, sink))) in rows.iter().zip(attention.chunks(7).zip(&sink)).enumerate() {
            let cells: Vec<&str> = row.split(',').skip(1).collect();
            let value = |cell: &&str| cell.parse::<f32>().unwrap();
            assert_eq!(cells[..=query].iter().map(value).collect::<Vec<_>>(), attention[..=query], "{view}");
            assert!(cells[query + 1..7].iter().all(|cell| cell.is_empty()), "the future is empty: {row}");
            assert_eq!(value(&cells[7]), *sink, "{view}");
        }
        assert_eq!(rows.len(), 7);
    }
}

fn flat(value: &Value) -> Vec<f32> {
    match value {
        Value::Array(items) => items.iter().flat_map(flat).collect(),
        other => vec![other.as_f64().unwrap() as f32],
    }
}

#[test]
fn rollout_is_printed() {
    let ended = Home::new().run(["print", "--model", "demo:gpt-oss", "--view", "rollout"]);
    let text = ended.text();
    assert!(text.contains("\nAttention Rollout:\n") && text.contains("      sink -> ["), "{text}");
}

#[test]
fn a_pair_is_exported_to_two_files() {
    let home = Home::new();
    // The pair that is configured needs no name.
    for pair in [&["--pair", "demo"][..], &[]] {
        let line = ["export", "--format", "csv", "--out", "both.csv"];
        let ended = home.run(line.iter().chain(pair).copied());
        assert_eq!((ended.code, ended.stdout.as_slice()), (0, &b""[..]));
        assert_eq!(ended.stderr, "wrote both-left.csv (demo:gpt2) and both-right.csv (demo:gpt-oss)\n");
        for (file, model) in [("both-left.csv", "demo:gpt2"), ("both-right.csv", "demo:gpt-oss")] {
            let csv = fs::read_to_string(home.path(file)).unwrap();
            assert!(csv.lines().next().unwrap().contains(&format!("\"model\":\"{model}\"")), "{csv}");
            fs::remove_file(home.path(file)).unwrap();
        }
    }
    for format in ["csv", "json", "npz", "safetensors", "md"] {
        let ended = home.run(["export", "--format", format, "--out", "-"]);
        ended.failed(2, &[format, "demo:gpt2 and demo:gpt-oss", "--out", "--model"]);
    }
    let figure = home.run(["export", "--format", "svg", "--out", "-"]);
    assert!(figure.text().contains("demo:gpt2</text>") && figure.text().contains("demo:gpt-oss</text>"));
}

#[test]
fn a_figure_has_both_models_and_its_recipe() {
    let home = Home::new();
    let svg = |more: &[&str]| {
        let line = ["export", "--format", "svg", "--out", "-"];
        home.run(line.iter().chain(more).copied()).text().to_owned()
    };
    let both =
        svg(&["--pair", "demo", "--view", "layer:1", "--curve", "log", "--range", "0.5", "--theme", "dark"]);
    for text in
        ["demo:gpt2</text>", "demo:gpt-oss</text>", "layer 1, mean of its heads", "attention, log scale"]
    {
        assert!(both.contains(text), "{text}");
    }
    let metadata = both.split_once("<metadata>").unwrap().1.split_once("</metadata>").unwrap().0;
    let recipe: Value = serde_json::from_str(metadata).unwrap();
    assert_eq!((&recipe["model"], &recipe["beside"]["model"]), (&"demo:gpt2".into(), &"demo:gpt-oss".into()));
    assert_eq!((&recipe["view"], &recipe["figure"]["range"]), (&"layer:1".into(), &"0.5".into()));
    let one = svg(&["--model", "demo:gpt2", "--no-caption"]);
    assert!(!one.contains("gpt-oss") && !one.contains("Prompt:"));
    assert_eq!(one, svg(&["--model", "demo:gpt2", "--no-caption"]), "the same bytes each time");
    assert!(svg(&["--pair", "demo", "--difference"]).contains("gpt2 − gpt-oss"));
}

#[test]
fn a_bitmap_is_the_figure_and_what_cannot_be_drawn_is_named() {
    let home = Home::new();
    let export = |more: &[&'static str]| {
        let line = ["export", "--model", "demo:gpt2", "--format", "png", "--out", "a.png"];
        let ended = home.run(line.into_iter().chain(more.iter().copied()));
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        (fs::read(home.path("a.png")).unwrap(), ended.stderr)
    };
    let width = |png: &[u8]| u32::from_be_bytes(png[16..20].try_into().unwrap());
    let (png, said) = export(&[]);
    assert_eq!((&png[..8], said.as_str()), (b"\x89PNG\r\n\x1a\n".as_slice(), ""));
    assert!(png.windows(6).any(|bytes| bytes == b"recipe"));
    assert_eq!(width(&export(&["--scale", "1"]).0) * 2, width(&png));
    let (_, said) = export(&["--prompt", "a \u{f8ff0}"]);
    assert!(said.contains("U+F8FF0") && said.contains("svg"), "{said}");
}

/// Every format, of one model and of two, of a view and of all heads: what is made again is the same.
#[test]
fn what_is_rendered_from_an_export_is_the_same_file() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let model = ["--model", text(&model)];
    let both = ["--pair", "demo"];
    let dark = ["--theme", "dark", "--curve", "log", "--range", "0.5", "--colormap", "magma", "--no-caption"];
    let cases: [(&str, &[&str]); 17] = [
        ("csv", &model),
        ("md", &model),
        ("md", &["--model", "demo:gpt2", "--view", "all", "--prompt", "a --> b <!-- | \\| c"]),
        ("csv", &[&model[..], &["--view", "all"]].concat()),
        ("json", &model),
        ("npz", &[&model[..], &["--view", "all"]].concat()),
        ("npz", &["--model", "demo:gpt2", "--ids", "5,6,7"]),
        ("safetensors", &[&model[..], &["--view", "head:3.1"]].concat()),
        ("safetensors", &["--model", "demo:gpt2", "--ids", "5,6,7"]),
        ("svg", &both),
        ("svg", &[&both[..], &dark].concat()),
        ("svg", &[&both[..], &["--difference", "words", "--view", "rollout"]].concat()),
        ("png", &[&both[..], &["--view", "all", "--scale", "1.5"]].concat()),
        ("svg", &[&both[..], &["--view", "map:induction"]].concat()),
        ("png", &[&model[..], &["--view", "map:sink", "--curve", "log"]].concat()),
        ("html", &[&both[..], &["--normalisation", "without-first", "--pooling", "mean"]].concat()),
        (
            "html",
            &["--model", "demo:gpt2", "--view", "all", "--prompt", "</script><script>alert(1)</script>"],
        ),
    ];
    for (format, more) in cases {
        let line = ["export", "--format", format, "--out", "made"];
        home.run(line.iter().chain(more).copied()).text();
        home.run(["render", "made", "--out", "again"]).text();
        let (made, again) = (fs::read(home.path("made")).unwrap(), fs::read(home.path("again")).unwrap());
        assert!(made == again, "{format} {more:?}");
    }
    // A recipe may be a file of its own.
    home.run(["export", "--model", "demo:gpt2", "--format", "json", "--out", "made"]).text();
    let document: Value = serde_json::from_slice(&fs::read(home.path("made")).unwrap()).unwrap();
    fs::write(home.path("recipe.json"), document["recipe"].to_string()).unwrap();
    home.run(["render", "recipe.json", "--out", "again"]).text();
    assert!(fs::read(home.path("made")).unwrap() == fs::read(home.path("again")).unwrap());
}

#[test]
fn what_is_wrong_with_a_recipe_is_said() {
    let home = Home::new();
    let render = |recipe: &str| {
        fs::write(home.path("recipe.json"), recipe).unwrap();
        home.run(["render", "recipe.json", "--out", "-"])
    };
    for (recipe, words) in [
        ("", ["recipe.json", "has no recipe"]),
        ("{", ["recipe.json", "not JSON"]),
        ("# no recipe", ["recipe.json", "not JSON"]),
        ("<svg></svg>", ["recipe.json", "has no recipe"]),
        ("\u{89}PNG", ["recipe.json", "has no recipe"]),
        ("PK\u{3}\u{4}", ["recipe.json", "has no recipe"]),
        ("{\"a\":1}", ["recipe.json", "program: missing: add it"]),
    ] {
        render(recipe).failed(1, &words);
    }
    home.run(["render", "nothing.json", "--out", "-"]).failed(1, &["nothing.json", "No such file"]);

    let ended = home.run(["export", "--model", "demo:gpt2", "--format", "json", "--out", "-"]);
    let recipe = serde_json::from_str::<Value>(ended.text()).unwrap()["recipe"].clone();
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut recipe = recipe.clone();
        change(&mut recipe);
        render(&recipe.to_string())
    };
    changed(&|recipe| recipe["view"] = "layer:99".into()).failed(1, &["layer:99", "layers 0 to 3"]);
    let other = changed(&|recipe| recipe["dtype"] = "bf16".into());
    assert_eq!(other.code, 0);
    assert!(
        other.stderr.contains("demo:gpt2 had dtype bf16 and has f32: numbers may differ"),
        "{}",
        other.stderr
    );
    let old = changed(&|recipe| recipe["program"] = "attnscope 0.0.1".into());
    assert!(old.code == 0 && old.stderr.contains("made by attnscope 0.0.1, this is"), "{}", old.stderr);
    let missing = changed(&|recipe| {
        (recipe["model"], recipe["revision"]) = ("nobody/nothing".into(), "0123456789abcdef".into());
    });
    missing.failed(1, &["recipe.json", "nobody/nothing@0123456789abcdef"]);
}

#[test]
fn a_page_stands_alone_and_no_token_is_markup() {
    let home = Home::new();
    let prompt = "</script><script>alert(1)</script><!-- &lt;";
    let page = |more: &[&'static str]| {
        let line = ["export", "--format", "html", "--out", "-", "--prompt", prompt];
        home.run(line.into_iter().chain(more.iter().copied())).text().to_owned()
    };
    let one = page(&["--model", "demo:gpt-oss", "--view", "all"]);
    assert_eq!(one.matches("<script").count(), 3, "the recipe, the values, the program");
    assert_eq!(one.matches("</script>").count(), 3);
    assert!(!one.contains("alert(1)</script>") && !one.contains("://"), "nothing is asked of a network");
    let json = |id: &str| -> Value {
        let start = format!("<script type=\"application/json\" id=\"{id}\">");
        serde_json::from_str(one.split_once(&start).unwrap().1.split_once("</script>").unwrap().0).unwrap()
    };
    assert_eq!(json("recipe")["input"]["prompt"], prompt);
    let data = json("data");
    let panel = &data["panels"][0];
    assert_eq!(panel["views"].as_array().unwrap().len(), 1 + 4 + 4 * 8);
    assert_eq!(panel["heads"]["first"], 5);
    assert!(panel["labels"].as_array().unwrap().iter().any(|label| label.as_str().unwrap().contains('<')));
    let both = page(&["--pair", "demo", "--difference"]);
    assert!(both.contains("\"signed\":true"));

    let long = "word ".repeat(2000);
    fs::write(home.path("long.txt"), long).unwrap();
    let line = "export --model demo:gpt-oss --view all --prompt-file long.txt --format html --out long.html";
    let ended = home.run(line.split(' '));
    assert_eq!(ended.code, 0, "{}", ended.stderr);
    let left_out = "the means of layers 2 to 3 and all heads are left out: a page has room for 32 MB";
    assert!(ended.stderr.starts_with(&format!("demo:gpt-oss: {left_out}")), "{}", ended.stderr);
    let page = fs::read_to_string(home.path("long.html")).unwrap();
    assert!(page.contains(&format!("\"left_out\":\"{left_out}")), "the page says so, too");
    assert!(page.len() < 36 << 20, "{}", page.len());
}

#[test]
fn what_no_figure_can_be_is_refused_before_a_model_is_loaded() {
    let home = Home::new();
    let refused = |more: &str, words: &[&str]| {
        let line = ["export", "--out", "-"].into_iter().chain(more.split(' '));
        home.run(line).failed(2, words);
    };
    refused("--format csv --model demo:gpt2 --theme dark", &["figures", "svg"]);
    refused("--format svg --model demo:gpt2 --scale 3", &["--format png"]);
    refused("--format svg --model demo:gpt2 --difference", &["two models", "--pair"]);
    refused("--format svg --pair demo --difference words --view all", &["another --view"]);
    refused(
        "--format svg --pair demo --difference --view value-weighted:mean",
        &["not compared", "another --view"],
    );
    refused("--format svg --pair demo --view all --normalisation renormalised", &["raw", "--normalisation"]);
    refused("--format svg --model demo:gpt2 --model demo:gpt2 --model demo:gpt2", &["two models at most"]);
    refused("--format npz --pair demo", &["two files"]);
}

#[test]
fn a_model_without_a_tokenizer_takes_ids() {
    let home = Home::new();
    let model = golden("gpt2-sort");
    let with = |input: [&str; 2]| home.run(["print", "--model", text(&model), input[0], input[1]]);
    assert!(with(["--ids", "2,0,1"]).text().starts_with("Tokens: ['#2', '#0', '#1']\n"));
    with(["--prompt", "abc"]).failed(1, &["tokenizer.json", "--ids"]);
}

#[test]
fn a_number_of_threads_changes_nothing_else() {
    let home = Home::new();
    let run = |threads: &str| home.run(["print", "--model", "demo:gpt-oss", "--threads", threads]);
    assert_eq!(run("1").text(), run("2").text());
}

#[test]
fn a_pipe_that_closes_early_is_no_error() {
    let home = Home::new();
    let many: Vec<&str> = vec!["1"; 100];
    let mut child = home
        .command([
            "export",
            "--model",
            text(&golden("gpt2-tiny")),
            "--ids",
            &many.join(","),
            "--view",
            "all",
            "--format",
            "csv",
            "--out",
            "-",
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
}

#[test]
fn a_log_is_kept_where_it_is_wanted() {
    let home = Home::new();
    let ended = home.run(["print", "--model", "demo:gpt2", "--log", "log.txt"]);
    assert!(ended.text().starts_with("Tokens: "));
    let log = fs::read_to_string(home.path("log.txt")).unwrap();
    assert!(log.contains("loaded") && log.contains("demo:gpt2"), "{log}");
}

#[test]
fn value_weighted_attention_has_no_sinks_and_says_so() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let export = |format: &str| {
        let view = "value-weighted:head:1.2";
        let ended =
            home.run(["export", "--model", text(&model), "--view", view, "--format", format, "--out", "-"]);
        ended.text().to_owned()
    };
    let document: serde_json::Value = serde_json::from_str(&export("json")).unwrap();
    assert_eq!(document["recipe"]["view"], "value-weighted:head:1.2");
    assert!(document["sink"].is_null() && document["recipe"]["sink_rule"].is_null());
    let header = export("csv").lines().nth(1).unwrap().to_owned();
    assert!(!header.contains("sink"), "{header}");
    let figure = export("svg");
    assert!(figure.contains("Value-weighted attention ‖α · v W_O‖"), "the caption says what it is");
    let ended = home.run(["print", "--model", text(&model), "--view", "value-weighted:layer:0"]);
    assert!(ended.text().contains("Average Value-Weighted Attention Matrix of Layer 0:"));
    assert!(!ended.text().contains("sink"));
}

#[test]
fn a_map_is_a_figure_and_nothing_else() {
    let home = Home::new();
    let export = |line: &str| home.run(["export", "--out", "-"].into_iter().chain(line.split(' ')));
    let svg = export("--pair demo --view map:induction --format svg");
    let svg = svg.text();
    let texts = svg.split("<text ").skip(1).map(|text| text.split_once('>').unwrap().1);
    let texts: Vec<&str> = texts.map(|text| text.split_once("</text>").unwrap().0).collect();
    for words in
        ["4 layers × 8 heads · induction, on repeated random tokens", "induction (share)", "layer", "head"]
    {
        assert!(texts.contains(&words), "{words}: {texts:?}");
    }
    let caption = texts.join(" ");
    for words in [
        "Each cell is a head. Value: induction, on repeated random tokens = mean of A at k = q - T + 1 (share; Olsson et al. 2022). Colours: linear, from 0 to ",
        ", the largest of both. attnscope",
    ] {
        assert!(caption.contains(words), "{words}: {caption}");
    }
    assert!(caption.contains("Input: repeated random tokens") && !caption.contains("Prompt: "), "{caption}");
    assert!(!svg.contains('≥'), "nothing lies beyond the largest of all");
    assert!(export("--pair demo --view map:local --format svg").text().contains("Prompt: "));
    assert!(export("--pair demo --view map:local --format svg --range 0.1").text().contains("≥0.1"));
    let sinks = export("--pair demo --view map:sink --format svg");
    assert!(sinks.text().contains(">–<"), "GPT-2 has no sinks: {}", sinks.text());
    export("--model demo:gpt2 --view map:sink --format svg").failed(1, &["demo:gpt2 has no sinks"]);
    for format in ["csv", "json", "npz", "safetensors", "md", "html"] {
        let line = format!("--model demo:gpt2 --view map:induction --format {format}");
        export(&line).failed(2, &["a map is a figure", "svg or png", "heads --json"]);
    }
    export("--pair demo --view map:local --format svg --difference").failed(2, &["--difference"]);
    export("--pair demo --view map:local --format svg --normalisation renormalised")
        .failed(2, &["--normalisation"]);
    export("--model demo:gpt2 --view map:x --format svg")
        .failed(2, &["'x' is no statistic of heads: use sink"]);
    // A recipe may ask for it all the same.
    let recipe = svg.split_once("<metadata>").unwrap().1.split_once("</metadata>").unwrap().0;
    let mut recipe: Value =
        serde_json::from_str(&recipe.replace("&quot;", "\"").replace("&amp;", "&")).unwrap();
    recipe["format"] = "html".into();
    fs::write(home.path("recipe.json"), recipe.to_string()).unwrap();
    home.run(["render", "recipe.json", "--out", "-"]).failed(1, &["map:induction: a map is a figure"]);
}

/// Left minus right of one model over two texts, by the words that both have.
#[test]
fn two_texts_of_one_model_are_subtracted_and_stand_beside_each_other() {
    let home = Home::new();
    let asked = [
        "export",
        "--model",
        "demo:gpt2",
        "--prompt",
        "The cat sat on a mat",
        "--prompt",
        "The cat sat on it",
    ];
    let (out, again) = (home.path("a.svg"), home.path("b.svg"));
    let with = |more: &[&str]| {
        let to = ["--format", "svg", "--out", text(&out)];
        home.run(asked.iter().copied().chain(more.iter().copied()).chain(to)).text();
        home.run(["render", text(&out), "--out", text(&again)]).text();
        let svg = std::fs::read_to_string(&out).unwrap();
        assert_eq!(svg, std::fs::read_to_string(&again).unwrap(), "{more:?}");
        svg
    };
    for by in ["pieces", "words"] {
        let svg = with(&["--difference", by]);
        assert!(svg.contains("gpt2 (left) − gpt2 (right)"), "{svg}");
        assert!(svg.contains("Left out of the difference: ") && svg.contains(" mat"), "{svg}");
        assert!(svg.contains("demo:gpt2 (f32, cpu): “The cat sat on a mat”; demo:gpt2"), "{svg}");
        assert!(svg.contains("All values are 0") && !svg.contains("0.0000"), "{svg}");
        // What both begin with is read alike: a difference of 0 in each cell of it.
        assert!(svg.matches(">0</text>").count() >= 10, "{svg}");
    }
    let svg = with(&["--view", "head:1.1"]);
    assert!(svg.matches("layer 1, head 1").count() == 2 && svg.contains("“The cat sat on it”"), "{svg}");
    let text_view = with(&["--view", "text:mean@2"]);
    assert!(text_view.contains("(2) looks at"), "{text_view}");
    home.run(asked.iter().copied().chain(["--prompt", "c", "--format", "svg", "--out", "-"]))
        .failed(2, &["two texts"]);
}
