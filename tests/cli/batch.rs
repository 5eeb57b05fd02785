//! Many prompts at once.

use serde_json::Value;

use crate::support::program::{Ended, Home, golden, text};

/// The lines of a file of results, without the one that says what was asked.
fn lines(path: &std::path::Path) -> Vec<Value> {
    let file = std::fs::read_to_string(path).unwrap();
    file.lines().skip(1).map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a run printed, whether all prompts were read or not.
fn printed(ended: &Ended) -> &str {
    std::str::from_utf8(&ended.stdout).unwrap()
}

#[test]
fn a_number_of_all_heads_over_many_prompts_is_the_mean_of_each() {
    let home = Home::new();
    let (file, results) = (home.path("prompts.jsonl"), home.path("results.jsonl"));
    let prompts = ["write a story", "a story about a story", "the end"];
    let objects = prompts.map(|prompt| format!("{{\"id\": \"{}\", \"text\": \"{prompt}\"}}", prompt.len()));
    std::fs::write(&file, format!("{}\nnot JSON\n", objects.join("\n"))).unwrap();
    let model = golden("gpt-oss-tiny");
    let of_all = ["heads", "--model", text(&model), "--prompts", text(&file), "--sort", "sink"];
    let ended = home.run(of_all.into_iter().chain(["--results", text(&results)]));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("line 4 is left out"), "{}", ended.stderr);
    let found = lines(&results);
    assert_eq!(found.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), ["13", "21", "7"]);
    let mut sum = 0.0;
    for (prompt, line) in prompts.iter().zip(&found) {
        let alone = home.run(["heads", "--model", text(&model), "--prompt", prompt, "--json"]);
        let alone: Value = serde_json::from_str(alone.text()).unwrap();
        let head = alone["heads"].as_array().unwrap().iter();
        let head =
            head.clone().find(|head| (&head["layer"], &head["head"]) == (&1.into(), &2.into())).unwrap();
        assert_eq!(line["numbers"]["1.2"], head["prompt"]["sink"]);
        sum += head["prompt"]["sink"].as_f64().unwrap();
    }
    let row = printed(&ended).lines().find(|line| line.starts_with("1.2 ")).unwrap();
    let numbers: Vec<f64> = row.split_whitespace().skip(1).map(|number| number.parse().unwrap()).collect();
    assert!(
        (numbers[0] - sum / 3.0).abs() < 1e-4 && numbers[1] <= numbers[0] && numbers[0] <= numbers[2],
        "{row}"
    );
    assert!(printed(&ended).contains("mean over 3 prompts") && printed(&ended).contains("deviate most: "));

    // A run that was stopped goes on, and says the same in the end.
    let whole = std::fs::read_to_string(&results).unwrap();
    let half = whole.lines().take(2).map(|line| format!("{line}\n")).collect::<String>() + "{\"model\": \"";
    std::fs::write(&results, half).unwrap();
    let again = home.run(of_all.into_iter().chain(["--results", text(&results)]));
    assert_eq!(printed(&again), printed(&ended));
    assert_eq!(std::fs::read_to_string(&results).unwrap(), whole);
    std::fs::write(&file, "write a story\n").unwrap();
    let other = ["sweep", "--model", text(&model), "--prompts", text(&file), "--results", text(&results)];
    home.run(other).failed(1, &["results.jsonl", "something else", "name another file"]);
}

#[test]
fn what_is_found_of_many_prompts_by_each_command() {
    let home = Home::new();
    let (file, results) = (home.path("prompts.txt"), home.path("results.jsonl"));
    std::fs::write(&file, "write a story\nthe end of it\n").unwrap();
    let [left, right] = ["gpt2-tiny", "gpt-oss-tiny"].map(golden);
    let pair = ["--model", text(&left), "--model", text(&right)];
    let many = ["--prompts", text(&file), "--results", text(&results), "--json"];
    let run = |command: &[&str], models: &[&str]| -> (Value, Vec<Value>) {
        let _ = std::fs::remove_file(&results);
        let ended = home.run(command.iter().chain(models).chain(&many).copied());
        assert_eq!(ended.code, 0, "{}", ended.stderr);
        (serde_json::from_str(printed(&ended)).unwrap(), lines(&results))
    };
    let (summary, found) = run(&["compare"], &pair);
    assert_eq!((found.len(), &found[0]["tokens"].as_array().unwrap().len()), (2, &2));
    let alone = home.run(["compare", "--prompt", "write a story", "--json"].into_iter().chain(pair));
    let alone: Value = serde_json::from_str(alone.text()).unwrap();
    assert_eq!(found[0]["numbers"]["attention, JS"], alone["mean_divergence"]);
    assert_eq!(summary["models"][0]["prompts"], 2);

    let (summary, found) = run(&["generate", "--tokens", "3"], &pair[..2]);
    let alone =
        home.run(["generate", "--tokens", "3", "--prompt", "write a story", pair[0], pair[1], "--json"]);
    let end: Value = serde_json::from_str(alone.text().lines().last().unwrap()).unwrap();
    assert_eq!(found[0]["written"], end["text"]);
    let names: Vec<&str> = summary["models"][0]["means"]
        .as_array()
        .unwrap()
        .iter()
        .map(|mean| mean["number"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"share of prompt") && names[0] == "tokens written", "{names:?}");

    let (summary, found) = run(&["sweep", "--by", "mean"], &pair);
    assert_eq!((found.len(), summary["models"].as_array().unwrap().len()), (4, 2));
    let alone = home.run(["sweep", "--by", "mean", "--prompt", "the end of it", pair[2], pair[3], "--json"]);
    let alone: Value = serde_json::from_str(alone.text()).unwrap();
    assert_eq!(found[3]["numbers"]["0.1"], alone["models"][0]["heads"][1]["kl_divergence"]);
}

#[test]
fn files_that_are_no_prompts_say_so() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let file = home.path("prompts");
    let run = |content: &str| {
        std::fs::write(&file, content).unwrap();
        home.run(["heads", "--model", text(&model), "--prompts", text(&file)])
    };
    run("\n \n").failed(1, &["--prompts", "no prompts: write one on each line"]);
    run("{\"text\": 1}\n").failed(1, &["no line is a prompt: line 1", "{\"text\": \"…\"}"]);
    let missing = home.path("none");
    home.run(["heads", "--prompts", text(&missing)]).failed(1, &["none", "No such file"]);
    home.run(["heads", "--results", "x"]).failed(2, &["--prompts"]);
    home.run(["heads", "--prompts", text(&file), "--prompt", "x"]).failed(2, &["cannot be used with"]);
    std::fs::write(&file, "a\n").unwrap();
    for order in ["previous", "induction"] {
        let repeated = home.run(["heads", "--prompts", text(&file), "--sort", order]);
        repeated.failed(2, &["the same for all prompts", &format!("prompt-{order}")]);
    }
    home.run(["heads", "--prompts", text(&file), "--sort", "push"])
        .failed(2, &["of one prompt", "as prompt-"]);
    home.run(["heads", "--prompts", text(&file), "--map"]).failed(2, &["--map", "--prompts"]);
    // Without --sort each list has the number that it has: over prompts there is none on repeated random tokens.
    let many = home.run(["heads", "--model", text(&model), "--prompts", text(&file)]);
    assert!(many.text().contains(": induction, on this prompt (share), of one prompt"), "{}", many.text());
    let one = home.run(["heads", "--model", text(&model), "--prompt", "a a a", "--json"]);
    let one: Value = serde_json::from_str(one.text()).unwrap();
    let listed = one["heads"].as_array().unwrap().iter();
    let induction: Vec<f64> = listed.map(|head| head["repeated"]["induction"].as_f64().unwrap()).collect();
    assert!(induction.is_sorted_by(|a, b| a >= b), "{induction:?}");
    let help = home.run(["heads", "--help"]).text().split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains("Without it, induction; with --prompts"), "{help}");
}

#[test]
fn the_attention_of_many_prompts_is_one_archive() {
    let home = Home::new();
    let (file, out, alone) = (home.path("prompts.txt"), home.path("all.npz"), home.path("alone.npz"));
    std::fs::write(&file, "write a story\nthe end of it\n").unwrap();
    let model = golden("gpt-oss-tiny");
    let export = ["export", "--model", text(&model), "--view", "head:1.2"];
    let run = |more: &[&str]| home.run(export.iter().chain(more).copied());
    assert_eq!(run(&["--prompts", text(&file), "--format", "npz", "--out", text(&out)]).code, 0);
    assert_eq!(run(&["--prompt", "the end of it", "--format", "npz", "--out", text(&alone)]).code, 0);
    let entry = |path: &std::path::Path, name: &str| {
        let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut zip.by_name(name).unwrap(), &mut bytes).unwrap();
        bytes
    };
    for name in ["attentions.npy", "sink.npy", "tokens.npy", "recipe.npy", "logits.npy"] {
        assert_eq!(entry(&out, &format!("1/{name}")), entry(&alone, name), "{name}");
    }
    assert!(entry(&out, "ids.npy").starts_with(b"\x93NUMPY"));
    assert_ne!(entry(&out, "0/attentions.npy"), entry(&out, "1/attentions.npy"));
    run(&["--prompts", text(&file), "--format", "csv", "--out", "-"]).failed(2, &["ends in .npz"]);
    let again = home.path("again.npz");
    assert_eq!(home.run(["render", text(&out), "--out", text(&again)]).text(), "");
    assert!(std::fs::read(&out).unwrap() == std::fs::read(&again).unwrap(), "an archive is made again");

    // Of two models it is two files, which are named; a line that is none is named, too, and the others are written.
    std::fs::write(&file, "write a story\nthe end\0\nthe end of it\n").unwrap();
    let other = golden("gpt2-tiny");
    let more = ["--model", text(&other), "--prompts", text(&file), "--format", "npz", "--out", text(&out)];
    let ended = run(&more);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    let [left, right] = ["all-left.npz", "all-right.npz"].map(|name| home.path(name));
    for words in [
        "line 2 is left out",
        "one prompt was left out",
        &format!("wrote {} ({}) and {} ({})", text(&left), text(&model), text(&right), text(&other)),
    ] {
        assert!(ended.stderr.contains(words), "{words:?} is not in {:?}", ended.stderr);
    }
    assert_ne!(entry(&left, "1/attentions.npy"), entry(&right, "1/attentions.npy"));
    assert!(
        zip::ZipArchive::new(std::fs::File::open(&left).unwrap()).unwrap().by_name("2/recipe.npy").is_err()
    );
}

/// What the command line alone says can't be is refused before a file is touched, and a view that a model lacks before it reads.
#[test]
fn what_many_prompts_can_not_be_leaves_nothing_behind() {
    let home = Home::new();
    std::fs::write(home.path("prompts"), "write a story\n").unwrap();
    let run = |command: &str, more: &str| {
        let typed = format!("{command} --model demo:gpt2 --prompts prompts {more}");
        let ended = home.run(typed.split_whitespace());
        let left = std::fs::read_dir(home.folder.path()).unwrap().count();
        assert_eq!(left, 1, "{typed} leaves something behind");
        ended
    };
    for (more, words) in [
        ("--view pushed:mean", &["--view pushed:mean is none", "mean, layer:3, head:3.5 or all"][..]),
        ("--view map:sink", &["--view map:sink is none"]),
        ("--view segments:mean", &["--view segments:mean is none"]),
        ("--view sinks", &["--view sinks is none"]),
        ("--segments auto", &["--prompts", "--segments"]),
        ("--token 5", &["--prompts", "--token"]),
        ("--curve log", &["--prompts", "--curve"]),
        ("--difference", &["--prompts", "--difference"]),
    ] {
        run("export --out x.npz", more).failed(2, words);
    }
    run("export --out x.npz", "--view head:9.9").failed(1, &["head:9.9", "has layers 0 to"]);
    run("compare --model demo:gpt2", "--report x.html").failed(2, &["--report", "--prompts"]);
    run("sweep", "--map").failed(2, &["--map", "--prompts"]);
    run("generate", "--out x.npz").failed(2, &["--results has them, no --out"]);
}
