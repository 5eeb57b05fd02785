//! Runs a template: Jinja with what transformers adds to it, within bounds.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use jiff::Zoned;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, UndefinedBehavior, escape_formatter};
use minijinja_contrib::pycompat::unknown_method_callback;

use super::bounds::{COUNTED, count, counted, counting};
use super::json::tojson;
use super::namespaces;
use super::template::ChatTemplate;
use crate::vocabulary::Conversation;

/// What a template may cost: instructions, and 64 bytes of what it makes, are one each. The largest known ones take
/// less than a tenth.
const FUEL: u64 = 200_000;
/// How often it may go over the texts that it is given.
const TIMES: u64 = 16;
/// How long it is waited for: fuel knows nothing of what happens inside one operation.
const PATIENCE: Duration = Duration::from_secs(3);
/// What is said of a template that goes beyond its bounds.
const TOO_MUCH: &str = "it takes too long, or too much memory";
/// Bytes of the stack that it runs on: lists may lie in lists as deep as the fuel allows.
const STACK: usize = 256 << 20;
/// Characters of what a template says that are passed on.
const LONGEST_MESSAGE: usize = 300;

/// The text that a template makes of a conversation, without how the answer begins.
///
/// # Errors
/// What is wrong, in a clause.
pub fn render(template: &ChatTemplate, conversation: &Conversation) -> Result<String, String> {
    render_at(template, conversation, &Zoned::now())
}

/// As [`render`], at a time.
pub(super) fn render_at(
    template: &ChatTemplate,
    conversation: &Conversation,
    now: &Zoned,
) -> Result<String, String> {
    let (template, conversation, now) = (template.clone(), conversation.clone(), now.clone());
    let (send, done) = mpsc::channel();
    let work = move || {
        let done = catch_unwind(AssertUnwindSafe(|| run(&template, &conversation, &now)));
        // Nobody hears it who has stopped waiting.
        let _ = send.send(done.unwrap_or_else(|_| Err("the template's engine gave up on it".to_owned())));
    };
    let thread = thread::Builder::new().name("chat-template".into()).stack_size(STACK);
    thread.spawn(work).map_err(|error| error.to_string())?;
    let done = done.recv_timeout(PATIENCE).unwrap_or_else(|_| Err(TOO_MUCH.to_owned()));
    done.map_err(|why| why.chars().take(LONGEST_MESSAGE).collect())
}

fn run(template: &ChatTemplate, conversation: &Conversation, now: &Zoned) -> Result<String, String> {
    namespaces::check(&template.source)?;
    let Conversation { system, user, .. } = conversation;
    let given = (user.len() + system.as_ref().map_or(0, String::len)) as u64;
    let mut environment = environment(now);
    environment.set_fuel(Some(FUEL + TIMES * given / 64));
    let source = counting(&template.source);
    let template_of =
        environment.template_from_named_str("template", &source).map_err(|error| say(&error))?;
    let turn = |role: &str, content: &str| Value::from_pairs([("role", role), ("content", content)]);
    let system = system.iter().map(|system| turn("system", system));
    let messages: Vec<Value> = system.chain([turn("user", user)]).collect();
    let mut context: Vec<(&str, Value)> = vec![
        ("messages", Value::from(messages)),
        ("tools", Value::from(())),
        ("documents", Value::from(())),
        ("add_generation_prompt", Value::from(true)),
    ];
    context.extend(template.tokens.iter().map(|(name, token)| (name.as_str(), Value::from(token.as_str()))));
    template_of.render(Value::from_pairs(context)).map_err(|error| say(&error))
}

fn environment<'a>(now: &Zoned) -> Environment<'a> {
    let mut environment = Environment::new();
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_undefined_behavior(UndefinedBehavior::Lenient);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(unknown_method_callback);
    environment.set_formatter(|out, state, value| {
        count(state, value)?;
        escape_formatter(out, state, value)
    });
    environment.add_function(COUNTED, counted);
    environment.add_filter("tojson", tojson);
    environment.add_function("raise_exception", raise_exception);
    let now = now.clone();
    environment.add_function("strftime_now", move |format: &str| {
        jiff::fmt::strtime::format(format, &now)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, format!("strftime_now: {error}")))
    });
    environment
}

/// How a template refuses a conversation.
fn raise_exception(message: &str) -> Result<String, Error> {
    Err(Error::new(ErrorKind::InvalidOperation, message.to_owned()))
}

/// What went wrong, in a clause: what the template itself says goes before what the engine says.
fn say(error: &Error) -> String {
    if error.kind() == ErrorKind::OutOfFuel {
        return TOO_MUCH.to_owned();
    }
    let what = match error.detail() {
        Some(detail) if error.kind() == ErrorKind::InvalidOperation => detail.to_owned(),
        Some(detail) => format!("{}: {detail}", error.kind()),
        None => error.kind().to_string(),
    };
    match error.line() {
        Some(line) => format!("{what} (line {line})"),
        None => what,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn template(source: &str) -> ChatTemplate {
        let tokens = BTreeMap::from([("bos_token".to_owned(), "<s>".to_owned())]);
        ChatTemplate { place: "t".to_owned(), source: source.to_owned(), tokens }
    }

    fn applied(source: &str) -> Result<String, String> {
        let conversation = Conversation { user: "Hi".to_owned(), ..Conversation::default() };
        let now = "2024-07-09T13:05:00+00:00[UTC]".parse().unwrap();
        render_at(&template(source), &conversation, &now)
    }

    #[test]
    fn a_template_sees_what_transformers_gives_it() {
        for (source, expected) in [
            ("{{ bos_token }}{{ eos_token }}{{ messages[0]['content'] }}", "<s>Hi"),
            ("{{ messages[0].role }} {{ add_generation_prompt }} {{ tools }}", "user True None"),
            ("{{ tools is none and documents is none and strftime_now is defined }}", "True"),
            ("{{ strftime_now('%d %b %Y, %-H:%M') }}", "09 Jul 2024, 13:05"),
            ("{% if messages %}\n    {%- set x = 1 %}\n  {% endif %}\na\n", "a"),
            ("{% generation %}a{% endgeneration %}{%- generation -%} b {%- endgeneration %}", "ab"),
            ("{% for m in messages %}{% if true %}{% continue %}{% endif %}x{% endfor %}.", "."),
            ("{{ ' a,b '.strip().split(',')[-1] ~ 'x'.upper() }}", "bX"),
            ("{{ messages[::-1][0].content[1:] }}", "i"),
            (
                "{%- set ns = namespace(n=0) -%}{% for m in messages %}{% set ns.n = ns.n + 1 %}{% endfor %}{{ ns.n }}",
                "1",
            ),
        ] {
            assert_eq!(applied(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn json_is_pythons() {
        for (source, expected) in [
            ("{{ messages | tojson }}", r#"[{"role": "user", "content": "Hi"}]"#),
            (
                "{{ {'b': [1, 2.0, true, none], 'a': '<é\"\\n>'} | tojson }}",
                r#"{"b": [1, 2.0, true, null], "a": "<é\"\n>"}"#,
            ),
            (
                "{{ {'b': 1, 'a': 'é'} | tojson(ensure_ascii=true, sort_keys=true) }}",
                r#"{"a": "\u00e9", "b": 1}"#,
            ),
            ("{{ {'b': [1], 'a': {}} | tojson(indent=2) }}", "{\n  \"b\": [\n    1\n  ],\n  \"a\": {}\n}"),
            ("{{ [1, {'a': 2}] | tojson(separators=(',', ':')) }}", r#"[1,{"a":2}]"#),
        ] {
            assert_eq!(applied(source).as_deref(), Ok(expected), "{source}");
        }
    }

    #[test]
    fn what_a_template_refuses_is_said_in_its_words() {
        assert_eq!(applied("{{ raise_exception('No system!') }}").unwrap_err(), "No system! (line 1)");
        assert!(applied("{% if %}").unwrap_err().starts_with("syntax error: "));
        assert!(applied("{{ nothing.of_it }}").unwrap_err().contains("undefined"));
        assert!(applied("{% include '/etc/passwd' %}").is_err());
        let long = format!("{{{{ raise_exception('{}') }}}}", "x".repeat(10_000));
        assert_eq!(applied(&long).unwrap_err().len(), LONGEST_MESSAGE);
    }

    #[test]
    fn a_hostile_template_ends() {
        let doubled = "{% set ns = namespace(s='xxxxxxxxxxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}";
        let captured = "{% set s %}xxxxxxxxxxxxxxxx{% endset %}{% set s %}{{ s }}{{ s }}{% endset %}";
        let deep =
            "{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}";
        let printed = format!("{}{}", deep.replace("100000", "4000"), "{{ ns.x }}{{ ns.x | tojson }}");
        for source in [
            "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}",
            "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
            "{{ 'x' * 1000000000 }}",
            "{{ 'x'.replace('', 'x' * 90000) * 1000 }}",
            "{{ range(1000000000000) | list }}",
            doubled,
            &captured.replacen(
                "{% endset %}{% set s %}",
                &"{% endset %}{% set s %}{{ s }}{{ s }}".repeat(40),
                1,
            ),
            deep,
            &printed,
            &"(".repeat(200_000),
            &format!("{{{{ {} }}}}", "(".repeat(200_000)),
            &format!("{{{{ {}1 }}}}", "not ".repeat(200_000)),
            &"{% if true %}".repeat(200_000),
            "{{ messages | tojson(indent=100000000) * 100000 }}",
            "{{ strftime_now('%999999999d%') }}",
            "{{ '%1000000000d' | format(1) }}",
        ] {
            let shown = &source[..source.len().min(100)];
            if let Ok(text) = applied(source) {
                assert!(text.len() < 64 * FUEL as usize, "{shown}");
            }
        }
    }

    /// They end by themselves, and not only because nobody waits for them any more.
    #[test]
    fn what_doubles_ends_by_itself() {
        let twice = |set: &str, rounds: usize, end: &str| {
            format!("{}{}{end}", "{% set x = [1] %}", set.repeat(rounds))
        };
        let sources = [
            twice("{% set x = x + x %}", 40, "{{ x|length }}"),
            twice("{% set x = [x, x] %}", 40, "{{ x }}"),
            twice("{% set x = [x, x] %}", 30, "{% set z = [x] %}{{ x == z }}"),
            twice("{% set x = [x, x] %}", 30, "{{ {x: 1} }}"),
            twice("{% set x = [x, x] %}", 30, "{{ [x, x]|sort }}{{ [x, x]|unique }}"),
            twice("{% set x = {'a': x, 'b': x} %}", 30, "{{ x|tojson }}"),
            twice("{% set x = x * 2 + [1] %}", 40, "{{ x|length }}"),
            "{% set ns = namespace(x=[1]) %}{% for i in range(64) %}{% set y = ns.x %}{% set ns.x = y + y %}{% endfor %}{{ ns.x }}".into(),
            "{% set ns = namespace(x=1) %}{% for i in range(64) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}".into(),
            "{% macro f(x, n) %}{% if n > 0 %}{{ f([x, x], n - 1) }}{% else %}{{ x }}{% endif %}{% endmacro %}{{ f(1, 40) }}".into(),
            (0..40).map(|at| format!("{{% for a{} in [[a{at}, a{at}]] %}}", at + 1)).collect::<String>() + "{{ a40 }}" + &"{% endfor %}".repeat(40),
            (0..40).map(|at| format!("{{% with a{} = [a{at}, a{at}] %}}", at + 1)).collect::<String>() + "{{ a40 }}" + &"{% endwith %}".repeat(40),
        ];
        for source in sources {
            let (send, done) = mpsc::channel();
            let ended = template(&source);
            let work = move || {
                let conversation = Conversation { user: "Hi".to_owned(), ..Conversation::default() };
                let _ = send.send(run(&ended, &conversation, &Zoned::now()).map(|text| text.len()));
            };
            thread::Builder::new().stack_size(STACK).spawn(work).unwrap();
            let shown = &source[..source.len().min(100)];
            let ended = done.recv_timeout(Duration::from_secs(60));
            assert!(matches!(ended, Ok(Err(_) | Ok(..10_000))), "{shown}: {ended:?}");
        }
    }
}
