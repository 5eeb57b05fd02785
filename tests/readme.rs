//! The README's table of keys is the program's own, and the commands it shows are commands that there are.

#![allow(clippy::unwrap_used)]

use std::process::Command as Process;

use attnscope::config::keys::{Command, Group, Keys};

const README: &str = include_str!("../README.md");

/// The table as the README is to have it.
fn keys_table() -> String {
    let keys = Keys::default();
    let mut table = String::from("| key | does |\n|---|---|\n");
    for group in Group::ALL {
        table.push_str(&format!("| **{}** | |\n", group.title()));
        for command in Command::all().filter(|command| command.group() == group) {
            let names: Vec<String> =
                keys.keys(command).iter().map(|key| format!("`{}`", key.label())).collect();
            table.push_str(&format!("| {} | {} |\n", names.join(" "), command.does()));
        }
    }
    table
}

#[test]
fn the_table_of_keys_is_the_programs() {
    let table = keys_table();
    assert!(README.contains(&table), "the README is to have this table of keys:\n{table}");
}

#[test]
fn every_command_shown_is_one() {
    let shown: Vec<&str> = README
        .lines()
        .filter_map(|line| line.strip_prefix("attnscope "))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(shown.len() >= 5, "the README shows commands: {shown:?}");
    for command in shown {
        let help = Process::new(env!("CARGO_BIN_EXE_attnscope")).args([command, "--help"]).output().unwrap();
        assert!(help.status.success(), "attnscope {command} --help");
    }
}
