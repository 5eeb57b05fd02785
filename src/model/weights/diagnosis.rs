//! Why a tensor isn't there, or isn't what it should be: from the names that are there to one sentence.

use std::borrow::Cow;

/// Names that a message shows.
const NEAREST: usize = 3;
/// Files that a message names.
const FILES: usize = 3;
/// Characters of a name that a message shows.
const SHOWN: usize = 100;

/// What begins the names of tensors that were saved inside something, and what to do about it.
const WRAPPERS: [(&str, &str); 3] = [
    ("_orig_mod.", "torch.compile puts it there: save model._orig_mod"),
    ("base_model.model.", "PEFT puts it there: merge the adapter (merge_and_unload) and save the model"),
    ("module.", "DataParallel puts it there: save model.module"),
];

/// Parts of names that only quantized checkpoints have, and the method. Those that are a part of another come later.
const QUANTIZED: [(&str, &str); 12] = [
    (".quant_state.bitsandbytes", "bitsandbytes"),
    (".quant_map", "bitsandbytes"),
    (".SCB", "bitsandbytes"),
    (".g_idx", "GPTQ"),
    (".qweight", "GPTQ or AWQ"),
    (".weight_packed", "compressed-tensors"),
    (".weight_scale", "fp8 or compressed-tensors"),
    (".W_q", "HQQ"),
    (".codebooks", "AQLM"),
    (".weight._data", "quanto"),
    (".trellis", "EXL3"),
    (".q_weight", "EXL2"),
];

/// What is known where a tensor is missed.
pub struct Evidence<'a> {
    /// Files that were looked into.
    pub files: Vec<Cow<'a, str>>,
    /// A file beside them that holds weights in a format that isn't read.
    pub beside: Option<String>,
    /// Names that are in them, sorted.
    pub names: Vec<&'a str>,
    /// What names begin with in some files, besides what is asked for.
    pub prefix: &'a str,
    /// What config.json says the weights are packed with, if that isn't read.
    pub quantization: Option<&'a str>,
    /// Whether tensors are of 8-bit floats.
    pub has_fp8: bool,
    /// Layers that config.json says.
    pub layers: usize,
}

impl Evidence<'_> {
    /// A sentence: the files, the tensor that is missing and its shape, what is there, and the likely cause.
    pub fn missing(&self, wanted: &str, shape: &[usize]) -> String {
        let has_prefix = self.names.iter().any(|name| name.starts_with(self.prefix));
        let prefix = if has_prefix { self.prefix } else { "" };
        let named = format!("{}: no tensor \"{prefix}{wanted}\" {shape:?}", files(&self.files));
        let nearest: Vec<String> = self.nearest(wanted).into_iter().map(quoted).collect();
        let there = match nearest.as_slice() {
            [] => "there is none at all".to_owned(),
            nearest => format!("there is {}", nearest.join(", ")),
        };
        match self.cause(wanted) {
            Some(cause) => format!("{named}; {there}: {cause}"),
            None => format!("{named}; {there}: the file is of another model, or incomplete"),
        }
    }

    /// `what` is wrong with a tensor, and the likely cause, if one is known.
    pub fn with_cause(&self, name: &str, what: &str) -> String {
        match self.packed_by().or_else(|| self.cause(name)) {
            Some(cause) => format!("{what}: {cause}"),
            None => what.to_owned(),
        }
    }

    /// The names most like `wanted`: with the longest equal beginnings and ends.
    fn nearest(&self, wanted: &str) -> Vec<&str> {
        let mut names: Vec<(usize, &str)> = self
            .names
            .iter()
            .map(|name| (likeness(wanted, name.trim_start_matches(self.prefix)), *name))
            .collect();
        names.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(b.1)));
        names.into_iter().take(NEAREST).map(|(_, name)| name).collect()
    }

    fn cause(&self, wanted: &str) -> Option<String> {
        let any = |part: &str| self.names.iter().any(|name| name.contains(part));
        if any(".lora_A.") || any(".lora_B.") || any(".lora_embedding_") {
            return Some(
                "these are the weights of an adapter: merge it into its base model with peft".to_owned(),
            );
        }
        self.wrapped(wanted)
            .or_else(|| self.packed_by())
            .or_else(|| {
                let is_original = any("unembedding.weight") || any(".attn.qkv.weight");
                is_original.then(|| {
                    "this is OpenAI's own layout: take the files of the hub's main folder, not those of original/"
                        .to_owned()
                })
            })
            .or_else(|| self.too_few_layers(wanted))
            .or_else(|| self.too_few_parts())
            .or_else(|| {
                let beside = self.beside.as_deref()?;
                Some(format!("the model may be in {beside} beside it, which isn't read"))
            })
    }

    /// Names that are the wanted one but for what they begin with.
    fn wrapped(&self, wanted: &str) -> Option<String> {
        let starts = self.names.iter().filter_map(|name| name.strip_suffix(wanted));
        let start = starts
            .filter(|start| start.ends_with('.') && *start != self.prefix)
            .min_by_key(|start| start.len())?;
        let outer = start.strip_suffix(self.prefix).unwrap_or(start);
        let why = match WRAPPERS.iter().find(|(part, _)| outer.contains(part)) {
            Some((_, why)) => why,
            None => "save the model without it",
        };
        Some(format!("names begin with {}: {why}, or rename the tensors", quoted(outer)))
    }

    fn packed_by(&self) -> Option<String> {
        let seen = QUANTIZED.iter().find(|(part, _)| self.names.iter().any(|name| name.contains(part)));
        let (method, who) = match (self.quantization, seen) {
            (Some(method), _) => (method, "config.json says that the weights are quantized with"),
            (None, Some((_, method))) => (*method, "names are those of weights quantized with"),
            (None, None) if self.has_fp8 => ("fp8", "tensors are quantized with"),
            (None, None) => return None,
        };
        Some(format!("{who} {method}, which isn't read: take the unquantized model"))
    }

    fn too_few_layers(&self, wanted: &str) -> Option<String> {
        let wanted = layer(wanted)?;
        let there = self.names.iter().filter_map(|name| layer(name)).max()? + 1;
        let layers = self.layers;
        (wanted >= there).then(|| format!("config.json says {layers} layers, there are {there}"))
    }

    /// Parts of a model that lie there without a list of them.
    fn too_few_parts(&self) -> Option<String> {
        let parts =
            self.files.iter().filter_map(|file| file.strip_suffix(".safetensors")?.rsplit_once("-of-"));
        let count = parts.map(|(_, count)| count.parse::<usize>().ok()).next()??;
        let there = self.files.len();
        (there < count).then(|| format!("only {there} of {count} parts of the model are there"))
    }
}

/// Whether a matrix has the shape that its transpose should have.
pub fn is_transposed(found: &[usize], wanted: &[usize]) -> bool {
    matches!((found, wanted), ([a, b], [c, d]) if (a, b) == (d, c))
}

/// Characters at the beginning and at the end that two names have in common.
fn likeness(a: &str, b: &str) -> usize {
    let same = |a: &mut dyn Iterator<Item = u8>, b: &mut dyn Iterator<Item = u8>| {
        a.zip(b).take_while(|(a, b)| a == b).count()
    };
    let (start, end) =
        (same(&mut a.bytes(), &mut b.bytes()), same(&mut a.bytes().rev(), &mut b.bytes().rev()));
    (start + end).min(a.len()).min(b.len())
}

/// The number after `h` or `layers` in a name.
fn layer(name: &str) -> Option<usize> {
    let mut parts = name.split('.').skip_while(|part| !["h", "layers"].contains(part));
    parts.next()?;
    parts.next()?.parse().ok()
}

fn files(files: &[Cow<'_, str>]) -> String {
    let shown = files.iter().take(FILES).map(AsRef::as_ref).collect::<Vec<&str>>().join(", ");
    match files.len().saturating_sub(FILES) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

fn quoted(name: &str) -> String {
    match name.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("\"{}…\"", &name[..end]),
        None => format!("\"{name}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said of `wanted` where these names are, in a file of a family whose prefix is `model.`.
    fn message(names: &[&str], wanted: &str, quantization: Option<&str>) -> String {
        evidence(&["a/model.safetensors"], names, quantization).missing(wanted, &[4, 2])
    }

    fn evidence<'a>(files: &[&'a str], names: &[&'a str], quantization: Option<&'a str>) -> Evidence<'a> {
        let files = files.iter().map(|file| Cow::Borrowed(*file)).collect();
        Evidence {
            files,
            beside: None,
            names: names.to_vec(),
            prefix: "model.",
            quantization,
            has_fp8: false,
            layers: 4,
        }
    }

    #[test]
    fn file_tensor_shape_and_what_is_there() {
        let names =
            ["model.embed_tokens.weight", "model.norm.weight", "model.layers.0.norm.weight", "lm_head.bias"];
        assert_eq!(
            message(&names, "layers.0.sinks", None),
            "a/model.safetensors: no tensor \"model.layers.0.sinks\" [4, 2]; there is \"model.layers.0.norm.weight\", \
             \"lm_head.bias\", \"model.embed_tokens.weight\": the file is of another model, or incomplete"
        );
        assert!(
            message(&[], "norm.weight", None)
                .contains("no tensor \"norm.weight\" [4, 2]; there is none at all")
        );
        let long = "x".repeat(1_000);
        assert!(message(&[&long], "norm.weight", None).len() < 400);
    }

    #[test]
    fn what_names_begin_with() {
        for (names, start, why) in [
            (["module.model.norm.weight", "x"], "\"module.\"", "DataParallel"),
            (["module.norm.weight", "x"], "\"module.\"", "model.module"),
            (["_orig_mod.model.norm.weight", "x"], "\"_orig_mod.\"", "torch.compile"),
            (["base_model.model.model.norm.weight", "x"], "\"base_model.model.\"", "PEFT"),
            (["policy.norm.weight", "x"], "\"policy.\"", "without it"),
        ] {
            let message = message(&names, "norm.weight", None);
            assert!(
                message.contains(&format!("names begin with {start}")) && message.contains(why),
                "{message}"
            );
        }
    }

    #[test]
    fn what_packed_the_weights() {
        let by = |names: &[&str], quantization| message(names, "layers.0.q.weight", quantization);
        assert!(by(&["model.layers.0.q.qweight"], None).contains("GPTQ or AWQ"));
        assert!(by(&["model.layers.0.q.qweight", "model.layers.0.q.g_idx"], None).contains("GPTQ,"));
        assert!(by(&["model.layers.0.q.weight.absmax", "a.quant_map"], None).contains("bitsandbytes"));
        assert!(by(&["model.layers.0.q.weight_packed"], None).contains("compressed-tensors"));
        assert!(by(&["model.layers.0.q.qweight"], Some("awq")).contains("config.json says"));
        let evidence = evidence(&["m"], &["model.layers.0.q.weight"], Some("fp8"));
        let message = evidence.with_cause("model.layers.0.q.weight", "holds F8_E4M3");
        assert!(
            message.starts_with("holds F8_E4M3: ") && message.contains("quantized with fp8"),
            "{message}"
        );
        let unnamed = Evidence { quantization: None, has_fp8: true, ..evidence };
        assert!(unnamed.with_cause("norm.weight", "holds F8_E4M3").contains("quantized with fp8"));
    }

    #[test]
    fn other_layouts_and_what_is_incomplete() {
        let original = message(&["embedding.weight", "unembedding.weight"], "embed_tokens.weight", None);
        assert!(
            original.contains("OpenAI's own layout") && original.contains("\"embed_tokens.weight\""),
            "{original}"
        );
        let adapter =
            message(&["base_model.model.model.layers.0.q.lora_A.weight"], "layers.0.q.weight", None);
        assert!(adapter.contains("adapter"), "{adapter}");
        let short = message(&["model.layers.1.q.weight"], "layers.2.q.weight", None);
        assert!(short.contains("config.json says 4 layers, there are 2"), "{short}");
        let mut part = evidence(&["m/model-00001-of-00003.safetensors"], &["model.norm.weight"], None);
        assert!(part.missing("embed_tokens.weight", &[1]).contains("only 1 of 3 parts"));
        (part.files, part.beside) = (vec!["m".into()], Some("pytorch_model.bin".to_owned()));
        assert!(part.missing("embed_tokens.weight", &[1]).contains("may be in pytorch_model.bin"));
    }

    #[test]
    fn many_files_are_counted() {
        let five: Vec<Cow<'_, str>> = (0..5).map(|at| at.to_string().into()).collect();
        assert_eq!(files(&five), "0, 1, 2 and 2 more");
        assert!(is_transposed(&[6, 2], &[2, 6]) && !is_transposed(&[6, 2], &[6, 2]));
    }
}
