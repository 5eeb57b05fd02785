//! What `effect` shows.

use serde_json::Value;

use crate::support::program::{Home, golden, text};

fn json(home: &Home, args: &[&str]) -> Value {
    let ended = home.run(["effect"].into_iter().chain(args.iter().copied()).chain(["--json"]));
    serde_json::from_str(ended.text()).unwrap()
}

#[test]
fn spans_words_and_sentences_are_hidden_alone() {
    let home = Home::new();
    let prompt = "The cat sat. A dog ran. Then";
    let spans = |more: &[&str]| {
        let json = json(&home, &[&["--model", "demo:gpt2", "--prompt", prompt], more].concat());
        let spans = json["models"][0]["spans"].as_array().unwrap().clone();
        let place = |span: &Value| (span["start"].as_u64().unwrap(), span["end"].as_u64().unwrap());
        spans.iter().map(place).collect::<Vec<_>>()
    };
    assert_eq!(spans(&["--span", "0:2", "--span", "1:3"]), [(0, 2), (1, 3)]);
    let words = spans(&["--words"]);
    assert_eq!((words.len(), words[0].0), (7, 0));
    assert!(words.windows(2).all(|pair| pair[0].1 == pair[1].0), "{words:?}");
    let sentences = spans(&["--sentences"]);
    assert_eq!(sentences.len(), 3);
    assert_eq!(sentences, spans(&["--by", "sentences"]));
    assert_eq!(sentences, spans(&[]), "by itself");
}

#[test]
fn the_table_says_what_it_is_and_how_far_shares_agree() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let ended = home.run(["effect", "--model", text(&model), "--words"]);
    let lines: Vec<&str> = ended.text().lines().collect();
    assert!(lines[0].starts_with(&format!("# {}, next token ", text(&model))), "{}", lines[0]);
    assert!(lines[1].starts_with("tokens") && lines[1].contains("change"), "{}", lines[1]);
    assert!(lines.iter().any(|line| line.starts_with("Spearman's ρ with |change|: share ")), "{lines:?}");
    let csv = home.run(["effect", "--model", text(&model), "--words", "--csv"]);
    let rows: Vec<&str> = csv.text().lines().collect();
    assert!(rows[0].starts_with("model,target,span,start,end,share,"), "{}", rows[0]);
    let spans = |line: &&&str| line.contains(" → ") || line.contains("nothing is behind it");
    assert_eq!(rows.len() - 1, lines.iter().filter(spans).count());
    assert_eq!(lines.iter().filter(|line| line.contains("nothing is behind it")).count(), 1, "the last word");
}

/// The change is that of the token that is named, and of the model without heads.
#[test]
fn another_next_token_is_followed_and_heads_may_be_off() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let begin = ["--model", text(&model), "--ids", "1,2,3,4,5", "--span", "1:3"];
    let of = |more: &[&str]| {
        let json = json(&home, &[&begin, more].concat());
        let span = &json["models"][0]["spans"][0];
        let next = span["next"].as_array().unwrap().clone();
        let change = span["log_p_change"].as_f64().unwrap();
        (json["models"][0]["target"]["id"].as_u64().unwrap(), change, next)
    };
    let (target, change, next) = of(&[]);
    let own = next.iter().find(|next| next["id"] == target).unwrap();
    let [before, after] = ["before", "after"].map(|key| own[key].as_f64().unwrap());
    assert!((change - (after / before).ln()).abs() < 1e-4, "{change}");
    let (other, of_other, _) = of(&["--token", "11"]);
    assert_eq!(other, 11);
    assert!((of_other - change).abs() > 1e-6);
    assert!((of(&["--without", "1.2"]).1 - change).abs() > 1e-6);
}

#[test]
fn what_is_not_there_is_refused() {
    let home = Home::new();
    let model = golden("gpt2-tiny");
    let begin = ["effect", "--model", text(&model), "--ids", "1,2"];
    let fails = |more: &[&str], status, says: &[&str]| {
        home.run(begin.iter().copied().chain(more.iter().copied())).failed(status, says);
    };
    fails(&["--span", "1:3"], 1, &["--span 1:3: the prompt has 2 tokens, 0 to 1"]);
    fails(&["--span", "3"], 2, &["no span of tokens", "as in 3:7"]);
    fails(&["--words", "--sentences"], 2, &["--words"]);
    fails(&["--by", "no-such-rule"], 1, &["no-such-rule"]);
}
