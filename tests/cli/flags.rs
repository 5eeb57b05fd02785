//! Wrong values of every flag of every command: each message names the flag, or the value that stands for it alone.

use std::fs;

use crate::support::program::{Home, golden, text};

/// What no flag takes.
const WRONG: &str = "§wrong";
/// Flags that take any text, and files to write, which may have any name.
const ANY_TEXT: [&str; 7] = ["--prompt", "--system", "--keys", "--log", "--out", "--results", "--report"];

/// The commands and, of each, its flags that take a value.
fn commands(home: &Home) -> Vec<(String, Vec<String>)> {
    let names = |help: &str| {
        let listed = help.split("\nCommands:\n").nth(1).unwrap().split("\n\n").next().unwrap().to_owned();
        let lines = listed.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        lines.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let flags = |help: &str| {
        let lines = help.lines().filter_map(|line| {
            line.trim_start()
                .strip_prefix("--")
                .or_else(|| line.trim_start().split_once(", --").map(|it| it.1))
        });
        let flags = lines
            .filter(|line| line.contains('<'))
            .map(|line| format!("--{}", line.split([' ', '=', '[']).next().unwrap()));
        flags.collect::<Vec<_>>()
    };
    let help = home.run(["--help"]).text().to_owned();
    let of = |name: String| (name.clone(), flags(home.run([name.as_str(), "--help"]).text()));
    names(&help).into_iter().filter(|name| name != "help").map(of).collect()
}

/// What a command needs besides, so that nothing else is wrong.
fn needed(command: &str, flag: &str) -> &'static [&'static str] {
    match (command, flag) {
        ("export", "--prompts") => &["--out", "x.npz"],
        ("export" | "screenshot", _) => &["--out", "x.svg"],
        ("render", _) => &["recipe.json", "--out", "x.svg"],
        ("completions", _) => &["bash"],
        ("ablate", flag) if flag != "--heads" => &["--heads", "0.1"],
        ("compare", "--top") => &["--heads"],
        ("patch", _) => &["--prompt", "the cat", "--prompt", "the dog"],
        _ => &[],
    }
}

#[test]
fn a_wrong_value_is_told_with_its_flag_whatever_the_command() {
    let home = Home::new();
    fs::write(home.path("prompts"), "the cat\n").unwrap();
    let (mut asked, mut silent) = (0, Vec::new());
    for (command, flags) in commands(&home) {
        for flag in flags.iter().filter(|flag| !ANY_TEXT.contains(&flag.as_str())) {
            let value = format!("{flag}={WRONG}");
            let line = [command.as_str()]
                .into_iter()
                .chain(needed(&command, flag).iter().copied())
                .chain([value.as_str()]);
            let ended = home.run(line);
            asked += 1;
            // A file may have any name.
            if ended.code == 0 {
                continue;
            }
            let says = &ended.stderr;
            let is_named = says.contains(flag.as_str()) || says.contains(WRONG);
            if !is_named || says.lines().count() != 1 || says.contains("panicked") {
                silent.push(format!("{command} {value}: {says}"));
            }
        }
    }
    assert!(asked > 200, "{asked} flags: is help read?");
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}

/// What only the model or the prompt can refuse is told with the flag, the value, and what there is.
#[test]
fn what_the_model_or_the_prompt_lacks_is_told_with_its_flag() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    fs::write(home.path("prompts"), "the cat\n").unwrap();
    let heads = "has layers 0 to 2 and heads 0 to 3";
    let place = "the prompt has 2 tokens, 0 to 1";
    for (line, says) in [
        ("print --without 9.1", &["--without 9.1: ", heads][..]),
        ("print --without mean:0.1,0.4", &["--without 0.4: ", heads]),
        ("heads --without 9.1", &["--without 9.1: ", heads]),
        ("sinks --without 9.1", &["--without 9.1: ", heads]),
        ("segments --without 9.1", &["--without 9.1: ", heads]),
        ("lens --without 9.1", &["--without 9.1: ", heads]),
        ("push --without 9.1", &["--without 9.1: ", heads]),
        ("effect --without 9.1", &["--without 9.1: ", heads]),
        ("sweep --without 9.1", &["--without 9.1: ", heads]),
        ("generate --without 9.1", &["--without 9.1: ", heads]),
        ("ablate --heads 9.1", &["--heads 9.1: ", heads]),
        ("ablate --heads 0.1 --without 9.1", &["--without 9.1: ", heads]),
        ("patch --without none --without 9.1", &["--without 9.1: ", heads]),
        ("compare --without none --without 9.1", &["--without 9.1: ", heads]),
        ("compare --heads --without none --without 9.1", &["--without 9.1: ", heads]),
        ("export --out x.csv --without 9.1", &["--without 9.1: ", heads]),
        ("print --view head:9.1", &["--view head:9.1: ", heads]),
        ("print --view sliding", &["--view sliding: ", "has no sliding layers"]),
        ("segments --view layer:9", &["--view layer:9: ", heads]),
        ("generate --view head:9.1", &["--view head:9.1: ", heads]),
        ("compare --without none --without 0.1 --view head:9.1", &["--view head:9.1: ", heads]),
        ("export --out x.csv --view value-weighted:head:9.1", &["--view value-weighted:head:9.1: ", heads]),
        ("export --out x.svg --view text:head:9.1", &["--view text:head:9.1: ", heads]),
        ("export --out x.svg --view pushed:head:9.1", &["--view pushed:head:9.1: ", heads]),
        ("export --out x.svg --view segments:head:9.1", &["--view segments:head:9.1: ", heads]),
        ("export --out x.svg --view pushed:mean@99", &["--view pushed:mean@99: ", place]),
        ("export --out x.svg --view text:mean@2", &["--view text:mean@2: ", place]),
        ("push --query 2", &["--query 2: ", place]),
        ("lens --token 2", &["--token 2: ", place]),
        ("effect --span 1:3", &["--span 1:3: ", place]),
        ("push --token nothing", &["--token: ", "has no token \"nothing\""]),
        ("push --versus 99999", &["--versus: ", "has no token 99999: its tokens are 0 to"]),
        ("push --token 5 --versus 5", &["--token and --versus are both token 5"]),
        ("effect --token nothing", &["--token: ", "has no token \"nothing\""]),
        ("export --out x.svg --view pushed:mean --token nothing", &["--token: ", "has no token"]),
        ("heads --kv-group 9", &["--kv-group 9 ", "key/value heads 0 to 3"]),
        ("heads --layers sliding", &["--layers sliding ", "no model has layers of that kind"]),
    ] {
        let more = ["--model", text(&model), "--ids", "1,2"];
        home.run(line.split(' ').chain(more)).failed(1, says);
    }
    for line in ["heads --without 9.1", "export --view all --out x.npz --without 9.1"] {
        let more = ["--model", text(&model), "--prompts", "prompts"];
        home.run(line.split(' ').chain(more)).failed(1, &["--without 9.1: ", heads]);
    }
    for (prompts, says) in [
        (["--prompt", "the cat", "--prompt", "the cat"], "both --prompt are the same"),
        (["--prompt", "the cat", "--prompt", "the"], "equal length"),
    ] {
        let ended = home.run(["patch", "--model", text(&model)].into_iter().chain(prompts));
        assert!(ended.code > 0 && ended.stderr.contains(says), "{}", ended.stderr);
    }
}
