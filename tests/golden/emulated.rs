//! The same goldens on a CUDA device, which `tests/emulator` stands in for: our kernels, their launches, and what is made of
//! what they leave.

use attnscope::model::{DeviceChoice, Engine, LoadOptions, Precision};

use super::{check, check_folder, hidden, incremental, on_cpu, see_the_same};

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
    see_the_same(&on_cpu(Engine::Auto), &on_device());
}

#[test]
fn a_prompt_goes_on_from_what_is_known() {
    for name in ["gpt2-tiny", "gpt-oss-tiny"] {
        incremental::check(name, &on_device());
        hidden::check(name, &on_device());
    }
}
