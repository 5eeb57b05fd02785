//! `attnscope bench`.

use crate::support::program::{Home, golden, text};

#[test]
fn a_line_of_json_that_scripts_read() {
    let home = Home::new();
    let model = golden("gpt-oss-tiny");
    let ended = home.run(["bench", "--model", text(&model), "--lengths", "3,9", "--repeats", "2", "--json"]);
    let report: serde_json::Value = serde_json::from_str(ended.text()).unwrap();
    let number = |value: &serde_json::Value| value.as_f64().unwrap();
    assert!(number(&report["bandwidth_bytes_s"]) > 0.0 && number(&report["gemm_flops_s"]) > 0.0);
    assert_eq!(report["device"], "cpu");
    let lengths = report["lengths"].as_array().unwrap();
    assert_eq!(lengths.iter().map(|length| number(&length["tokens"])).collect::<Vec<_>>(), [3.0, 9.0]);
    for length in lengths {
        let [min, median, max] = ["min_s", "median_s", "max_s"].map(|key| number(&length[key]));
        assert!(0.0 < min && min <= median && median <= max);
        let reading = number(&length["weight_bytes"]) / number(&report["bandwidth_bytes_s"]);
        let multiplying = number(&length["operations"]) / number(&report["gemm_flops_s"]);
        let floor = reading.max(multiplying);
        assert!(floor > 0.0 && (number(&length["floor_s"]) / floor - 1.0).abs() < 1e-9, "{length}");
        let shares: f64 =
            ["linear", "attention", "record"].map(|part| number(&length["share"][part])).iter().sum();
        assert!(shares > 0.0 && shares <= 1.0, "{length}");
    }
    if cfg!(target_os = "linux") {
        assert!(number(&report["peak_anon_bytes"]) > 0.0 && number(&report["peak_file_bytes"]) > 0.0);
    }
}

#[test]
fn a_length_beyond_the_context_is_an_error() {
    let model = golden("gpt2-tiny");
    Home::new()
        .run(["bench", "--model", text(&model), "--lengths", "999999"])
        .failed(1, &["--lengths 999999: ", "reads at most 128 tokens: use lengths of 1 to 128"]);
}

#[test]
fn what_a_model_writes_is_timed_token_by_token() {
    let (home, model) = (Home::new(), golden("gpt2-tiny"));
    let line = ["bench", "--model", text(&model), "--lengths", "9", "--repeats", "1", "--generate", "5"];
    let ended = home.run(line.into_iter().chain(["--json"]));
    let report: serde_json::Value = serde_json::from_str(ended.text()).unwrap();
    let generated = &report["lengths"][0]["generated"];
    assert_eq!(generated["tokens"], 5);
    let [min, median, max] = ["min_s", "median_s", "max_s"].map(|key| generated[key].as_f64().unwrap());
    assert!(0.0 < min && min <= median && median <= max && generated["floor_s"].as_f64().unwrap() > 0.0);
    assert!(home.run(line).text().contains("then 5 tokens written: median "));
    home.run(["bench", "--model", text(&model), "--lengths", "60", "--generate", "9999"])
        .failed(1, &["--generate 9999: ", "reads at most 128 tokens: use 0 to 127"]);
    home.run(["bench", "--model", text(&model), "--lengths", "60", "--generate", "100"])
        .failed(1, &["--lengths 60 with --generate 100: ", "use lengths of 1 to 28"]);
}
