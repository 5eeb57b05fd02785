//! The same goldens on a CUDA device, which `tests/emulator` stands in for: our kernels, their launches, and what is made of
//! what they leave.

use attnscope::model::{DeviceChoice, Engine, LoadOptions, Precision, Reference};

use super::{
    check, check_folder, folder as folder_of, hidden, incremental, on_cpu, push, see_the_same, steps,
};

#[path = "../support/checkpoint.rs"]
mod checkpoint;
#[path = "../support/emulator.rs"]
mod emulator;

fn on_device() -> LoadOptions {
    emulator::load();
    LoadOptions { device: DeviceChoice::Cuda(0), precision: Precision::Auto, ..on_cpu(Engine::Auto) }
}

#[test]
fn gpt2() {
    check("gpt2-tiny", &on_device());
    check("gpt2-sort", &on_device());
}

#[test]
fn gpt_oss() {
    check("gpt-oss-tiny", &on_device());
}

#[test]
fn the_other_families() {
    check_folder("families", 52, &on_device(), check);
}

#[test]
fn gguf_files() {
    check_folder("gguf", 13, &on_device(), check);
}

#[test]
fn it_sees_what_the_cpu_sees() {
    // A model of one layer that reads more tokens than a matrix has rows.
    let folder = tempfile::tempdir().unwrap();
    let long = checkpoint::copy(&folder_of("gpt2-tiny"), folder.path().join("long"));
    let tokens: usize = 2_100;
    checkpoint::edit_config(&long, |config| {
        for (key, value) in [("n_layer", 1), ("n_positions", tokens), ("n_ctx", tokens)] {
            config.insert(key.to_owned(), value.into());
        }
    });
    checkpoint::edit_weights(&long, |weights| {
        weights.retain(|name, _| !name.starts_with("h.") || name.starts_with("h.0."));
        let positions = weights.get_mut("wpe.weight").unwrap();
        positions.bytes = positions.bytes.repeat(tokens.div_ceil(positions.shape[0]));
        positions.bytes.truncate(tokens * positions.shape[1] * 4);
        positions.shape[0] = tokens;
    });
    see_the_same(&on_cpu(Engine::Auto), &on_device(), Some((Reference::Folder(long), tokens)));
}

#[test]
fn a_prompt_goes_on_from_what_is_known() {
    incremental::check_every(29, "gpt2-tiny", &on_device());
    incremental::check_every(29, "gpt-oss-tiny", &on_device());
    hidden::check("gpt-oss-tiny", &on_device());
}

/// The pass waits where somebody looks, and goes on with what he leaves there.
#[test]
fn who_looks_into_a_pass_sees_what_transformers_computes() {
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        steps::check_steps(name, &on_device(), false);
        push::check(name, &on_device());
    }
    for name in ["families/command-r", "families/gemma2", "families/olmo2"] {
        push::check(name, &on_device());
    }
}
