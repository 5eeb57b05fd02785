//! A namespace is the only thing of a template that can hold itself, and the engine follows such a circle until its stack
//! ends. So a template may make one only as `set NAME = namespace(..)`, and use it by its attributes only, which is all
//! that published templates do.

use super::tags::{Kind, bare, marks, tags};

/// Checks how a template uses namespaces.
///
/// # Errors
/// If one might come to hold itself: why, in a clause.
pub fn check(source: &str) -> Result<(), String> {
    let tags = tags(source).into_iter().filter(|tag| tag.kind != Kind::Comment);
    let code = tags.flat_map(|tag| marks(bare(&source[tag.inside])).map(|mark| mark.text).chain([";"]));
    let tokens: Vec<&str> = code.collect();
    let text = |at: usize| tokens.get(at).copied().unwrap_or_default();
    let is_made = |at: usize| at >= 3 && text(at - 3) == "set" && text(at - 1) == "=" && text(at + 1) == "(";
    let places = |wanted: &str| (0..tokens.len()).filter(|at| tokens[*at] == wanted).collect::<Vec<_>>();
    let made: Vec<usize> =
        places("namespace").into_iter().filter(|at| text(at.wrapping_sub(1)) != ".").collect();
    if let Some(at) = made.iter().find(|at| !is_made(**at)) {
        return Err(format!(
            "it makes a namespace other than by `set NAME = namespace(..)`, after `{}`",
            text(at.wrapping_sub(1))
        ));
    }
    let names: Vec<&str> = made.iter().map(|at| text(at - 2)).collect();
    for name in names.iter().copied() {
        let is_attribute_or_key = |at: usize| text(at.wrapping_sub(1)) == "." || text(at + 1) == "=";
        let is_used_by_parts = |at: usize| [".", "["].contains(&text(at + 1));
        if places(name).into_iter().any(|at| !is_attribute_or_key(at) && !is_used_by_parts(at)) {
            return Err(format!("it uses the namespace {name:?} other than by its attributes"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_published_templates_do_is_fine() {
        for source in [
            "no code",
            "{%- set ns = namespace(found=false, n=0) -%}{% set ns.found = true %}{{ ns.found ~ ns['n'] }}",
            "{% set ns = namespace() %}{% if ns.a == 1 and not ns.b %}{{ f(ns=1).ns }}{% endif %}",
            "{% set ns = namespace(x='ns namespace()') %}{# ns #}ns {{ \"ns\" }}",
            "{% set namespaces = 1 %}{{ namespaces }}",
        ] {
            assert_eq!(check(source), Ok(()), "{source}");
        }
    }

    #[test]
    fn what_could_become_a_circle_is_refused() {
        for source in [
            "{% set ns = namespace() %}{% set ns.a = ns %}{{ ns.a }}",
            "{% set ns = namespace() %}{% set y = ns %}{% set ns.a = y %}",
            "{% set ns = namespace() %}{% for y in [ns] %}{% set ns.a = y %}{% endfor %}",
            "{% for n in [namespace()] %}{% set n.a = n %}{{ n }}{% endfor %}",
            "{% set make = namespace %}{% set n = make() %}{% set n.a = n %}",
            "{% set ns = namespace() %}{% set ns.b = namespace() %}",
            "{% set ns = namespace() %}{% if ns == 1 %}{% endif %}",
            "{% set a, b = namespace(), 1 %}{% set a.b = a %}",
            "{%- set ns = namespace() -%}{{- ns -}}",
        ] {
            assert!(check(source).is_err(), "{source}");
        }
    }
}
