//! A CUDA driver that runs on the CPU: `tests/emulator`, compiled with the kernels as they are. What is compiled stands in
//! the target folder, until a source changes.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;
use std::{env, fs, process};

/// The folder that holds `libcuda.so.1`, for `LD_LIBRARY_PATH`: that of `ATTNSCOPE_EMULATOR`, or what is built here.
///
/// # Panics
/// If there is no C++ compiler, or it fails.
pub fn folder() -> &'static Path {
    static FOLDER: LazyLock<PathBuf> =
        LazyLock::new(|| env::var_os("ATTNSCOPE_EMULATOR").map_or_else(build, PathBuf::from));
    &FOLDER
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let kernels = root.join("src/gpu/kernels");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("emulator");
    let library = folder.join("libcuda.so.1");
    let source = root.join("tests/emulator/driver.cpp");
    let sources =
        [kernels.as_path(), &root.join("tests/emulator")].map(|folder| fs::read_dir(folder).unwrap());
    let changed =
        sources.into_iter().flatten().map(|entry| entry.unwrap().metadata().unwrap().modified().unwrap());
    let built = library.metadata().and_then(|library| library.modified());
    if built.is_ok_and(|built| changed.max().is_some_and(|changed| changed < built)) {
        return folder;
    }
    fs::create_dir_all(&folder).unwrap();
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".to_owned());
    // Another test may build it at the same time.
    let unfinished = folder.join(format!("{}.so", process::id()));
    let built = Command::new(&compiler)
        .args(["-std=c++20", "-O2", "-ffp-contract=off", "-fno-strict-aliasing", "-Wall", "-Werror"])
        .args([
            "-Wno-unknown-pragmas",
            "-Wno-unused-function",
            "-shared",
            "-fPIC",
            "-Wl,-soname,libcuda.so.1",
        ])
        .arg("-I")
        .arg(&kernels)
        .arg("-o")
        .args([&unfinished, &source])
        .output();
    let built = built.unwrap_or_else(|error| panic!("{compiler} builds the emulated driver: {error}"));
    assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    fs::rename(&unfinished, &library).unwrap();
    folder
}

/// Loads it into this process, so that whoever asks for the driver gets it.
///
/// # Panics
/// As [`folder`].
pub fn load() {
    static LOADED: LazyLock<()> = LazyLock::new(|| {
        let path = folder().join("libcuda.so.1");
        let path = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: opens a library of ours, whose initialisers only make empty maps.
        #[allow(unsafe_code)]
        let handle = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW | libc::RTLD_GLOBAL) };
        assert!(!handle.is_null(), "{path:?} can be loaded");
    });
    LazyLock::force(&LOADED);
}
