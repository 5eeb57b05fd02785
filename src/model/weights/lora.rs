//! An adapter, added to the tensors of its base model: W + s · B A, as PEFT runs it (LoRA).
//!
//! Tensors are exchanged before anything is built of them, so that families, engines and the decoder know nothing of
//! adapters. An exchanged tensor is of f32 and lies in memory.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;

use super::Bytes;
use super::stored::{Kind, Stored, transposed};
use crate::kernels::matmul;
use crate::model::ModelError;
use crate::model::control::Cancel;
use crate::model::files::{AdapterSettings, LoraFiles};

/// What the names of an adapter's tensors begin with.
const WRAPPER: &str = "base_model.model.";
/// In models whose layers have weights \[in, out\], the modules that have such a weight.
const IN_OUT: [&str; 4] = ["c_attn", "c_proj", "c_fc", "q_attn"];
/// The output head, which shares its tensor with the embedding unless the files have both.
const HEAD: &str = "lm_head";
/// What embeddings of tokens are called.
const EMBEDDINGS: [&str; 5] = ["wte", "embed_tokens", "word_embeddings", "embed_in", "tok_embeddings"];

/// Low-rank matrices of a module: A is \[rank, in\], B \[out, rank\].
#[derive(Default)]
struct Pair<'a> {
    a: Option<&'a Stored>,
    b: Option<&'a Stored>,
    /// Added to the bias, times the same factor.
    bias: Option<&'a Stored>,
    /// Of an embedding, which is \[in, out\].
    is_embedding: bool,
}

/// Adds an adapter, whose tensors are `added`, to those of a model. `layers_in_out` tells how the weights of its layers
/// lie, which a square one does not show.
///
/// # Errors
/// If it is of a kind that is no sum, changes what the model hasn't got, or was cancelled.
pub fn add(
    tensors: &mut BTreeMap<String, Stored>,
    files: &LoraFiles,
    added: &BTreeMap<String, Stored>,
    layers_in_out: bool,
    cancel: &Cancel,
) -> Result<(), ModelError> {
    let settings = files.settings()?;
    let mut pairs: BTreeMap<&str, Pair<'_>> = BTreeMap::new();
    let mut replaced = Vec::new();
    for (name, stored) in added {
        let inner = name.strip_prefix(WRAPPER).unwrap_or(name);
        match part(inner) {
            Some((module, Part::A(is_embedding))) => {
                let pair = pairs.entry(module).or_default();
                (pair.a, pair.is_embedding) = (Some(stored), is_embedding);
            }
            Some((module, Part::B)) => pairs.entry(module).or_default().b = Some(stored),
            Some((module, Part::Bias)) => pairs.entry(module).or_default().bias = Some(stored),
            None if inner.contains(".lora_") || inner.contains("token_adapter") => {
                let what = "is of a kind of adapter that isn't read: merge it into its base model with peft (merge_and_unload, then save_pretrained)";
                return Err(stored.error(name, what));
            }
            // What a module was before it was exchanged: PEFT saves its biases, and reads them no more.
            None if inner.contains(".original_module.") => {}
            None => {
                replaced.push((inner.replace(".base_layer.", ".").replace(".modules_to_save.", "."), stored))
            }
        }
    }
    if pairs.is_empty() && replaced.is_empty() {
        return Err(ModelError::Invalid(format!("{}: no tensors of LoRA in it", files.weights.name())));
    }
    // Before anything is added: a tensor that is exchanged as a whole may be one that is also added to.
    for (name, stored) in replaced {
        let place =
            place(tensors, &name).or_else(|| (name == format!("{HEAD}.weight")).then_some(name.clone()));
        let place = place.ok_or_else(|| {
            stored.error(
                &name,
                "is of no module of the base model: take the base model that the adapter was trained on",
            )
        })?;
        untie(tensors, &place);
        tensors.insert(place, stored.clone());
    }
    for (module, pair) in pairs {
        cancel.check()?;
        add_pair(tensors, module, &pair, &settings, layers_in_out)?;
    }
    Ok(())
}

/// What a tensor is of a module's matrices.
enum Part {
    A(bool),
    B,
    Bias,
}

/// The module of an adapter's tensor, and what it is there; `None` if it is a tensor of the module itself.
fn part(name: &str) -> Option<(&str, Part)> {
    let ends = [
        (".lora_A.weight", Part::A(false)),
        (".lora_B.weight", Part::B),
        (".lora_B.bias", Part::Bias),
        (".lora_embedding_A", Part::A(true)),
        (".lora_embedding_B", Part::B),
    ];
    ends.into_iter().find_map(|(end, part)| Some((name.strip_suffix(end)?, part)))
}

fn add_pair(
    tensors: &mut BTreeMap<String, Stored>,
    module: &str,
    pair: &Pair<'_>,
    settings: &AdapterSettings,
    layers_in_out: bool,
) -> Result<(), ModelError> {
    let (Some(a), Some(b)) = (pair.a, pair.b) else {
        let (there, missing) = if pair.a.is_some() { ("lora_A", "lora_B") } else { ("lora_B", "lora_A") };
        let file = pair.a.or(pair.b).or(pair.bias).map_or("", |stored| stored.file.as_str());
        return Err(ModelError::Invalid(format!(
            "{file}: {module} has a {there} and no {missing}: the file is incomplete, fetch it again"
        )));
    };
    let wanted = format!("{module}.weight");
    let missing = || {
        a.error(module, "is added to a module that the base model hasn't got: take the base model that the adapter was trained on")
    };
    let place = match place(tensors, &wanted) {
        Some(place) => place,
        // The head is the embedding: from here on it is one of its own.
        None if module == HEAD || module.ends_with(&format!(".{HEAD}")) => {
            let embedding = tensors.keys().find(|name| is_embedding(name)).ok_or_else(missing)?.clone();
            let head = tensors[&embedding].clone();
            tensors.insert(format!("{HEAD}.weight"), head);
            format!("{HEAD}.weight")
        }
        None => return Err(missing()),
    };
    untie(tensors, &place);
    let base = &tensors[&place];
    let ([rank, in_features], [out_features, other]) = (matrix(a, module)?, matrix(b, module)?);
    let is_square = base.shape == [in_features, out_features] && in_features == out_features;
    let in_out = match is_square {
        true => pair.is_embedding || layers_in_out && IN_OUT.iter().any(|name| module.ends_with(name)),
        false => base.shape == [in_features, out_features],
    };
    if rank == 0 || rank != other || !in_out && base.shape != [out_features, in_features] {
        let what = format!(
            "is {:?}, and its other half {:?}, for a matrix of {:?}: the adapter is of another base model",
            a.shape, b.shape, base.shape
        );
        return Err(a.error(module, what));
    }
    if let Some(wanted) = settings.rank(module).filter(|wanted| *wanted != rank) {
        let what = format!(
            "is {:?}, and its adapter_config.json says a rank (r) of {wanted}: fetch both again",
            a.shape
        );
        return Err(a.error(module, what));
    }
    let scale = settings.scale(module, rank);
    let mut values = floats(base, &place)?;
    let (a_values, mut b_values) = (floats(a, module)?, floats(b, module)?);
    b_values.iter_mut().for_each(|value| *value *= scale);
    // B A, or its transpose: rows of the one times rows of the other.
    let a_transposed = transposed(&a_values, rank);
    match in_out {
        false => matmul::add_product_transposed(&b_values, &a_transposed, rank, &mut values),
        true => matmul::add_product_transposed(&a_transposed, &b_values, rank, &mut values),
    }
    let (file, shape) = (format!("{} with {}", base.file, a.file), base.shape.clone());
    tensors.insert(place, owned(file, values, shape));
    if let Some(bias) = pair.bias {
        let wanted = format!("{module}.bias");
        let place = self::place(tensors, &wanted)
            .ok_or_else(|| bias.error(module, "is added to a bias that the base model hasn't got"))?;
        let base = &tensors[&place];
        let (mut values, added) = (floats(base, &place)?, floats(bias, module)?);
        if values.len() != added.len() {
            let what = format!("is {:?}, for a bias of {:?}", bias.shape, base.shape);
            return Err(bias.error(module, what));
        }
        values.iter_mut().zip(added).for_each(|(value, added)| *value += scale * added);
        let (file, shape) = (base.file.clone(), base.shape.clone());
        tensors.insert(place, owned(file, values, shape));
    }
    Ok(())
}

/// What a head shares with the embedding that is about to change stays as it was: PEFT adds to the module, not to the
/// tensor.
fn untie(tensors: &mut BTreeMap<String, Stored>, place: &str) {
    let head = format!("{HEAD}.weight");
    if is_embedding(place) && !tensors.keys().any(|name| name.ends_with(&head) || name == "embed_out.weight")
    {
        let shared = tensors[place].clone();
        tensors.insert(head, shared);
    }
}

fn is_embedding(name: &str) -> bool {
    let module = name.strip_suffix(".weight").and_then(|module| module.rsplit('.').next());
    module.is_some_and(|module| EMBEDDINGS.contains(&module))
}

/// The tensor that a module of transformers has: files may leave out what its name begins with, or have more of it.
fn place(tensors: &BTreeMap<String, Stored>, wanted: &str) -> Option<String> {
    let shorter = wanted.split_once('.').map(|(_, rest)| rest).filter(|rest| rest.contains('.'));
    let mut exact = [Some(wanted), shorter].into_iter().flatten();
    if let Some(name) = exact.find(|name| tensors.contains_key(*name)) {
        return Some(name.to_owned());
    }
    let longer = format!(".{wanted}");
    tensors.keys().find(|name| name.ends_with(&longer)).cloned()
}

fn matrix(stored: &Stored, module: &str) -> Result<[usize; 2], ModelError> {
    <[usize; 2]>::try_from(stored.shape.as_slice())
        .map_err(|_| stored.error(module, format!("is of shape {:?}, no matrix", stored.shape)))
}

fn floats(stored: &Stored, name: &str) -> Result<Vec<f32>, ModelError> {
    stored.bytes.check()?;
    stored.check_finite(name)?;
    stored.floats().ok_or_else(|| {
        let what = format!(
            "holds {}: adapters are added to dense weights, take the base model in bf16",
            stored.kind
        );
        stored.error(name, what)
    })
}

fn owned(file: String, values: Vec<f32>, shape: Vec<usize>) -> Stored {
    Stored { file, kind: Kind::Plain(Dtype::F32), shape, bytes: Bytes::owned(values) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_with_and_without_their_beginning() {
        let stored = || owned(String::new(), vec![0.0], vec![1]);
        let names = ["h.0.attn.c_attn.weight", "model.layers.0.q.weight", "language_model.model.norm.weight"];
        let tensors: BTreeMap<String, Stored> = names.map(|name| (name.to_owned(), stored())).into();
        let found = |wanted| place(&tensors, wanted);
        assert_eq!(found("transformer.h.0.attn.c_attn.weight").as_deref(), Some(names[0]));
        assert_eq!(found("model.layers.0.q.weight").as_deref(), Some(names[1]));
        assert_eq!(found("layers.0.q.weight").as_deref(), Some(names[1]));
        assert_eq!(found("model.norm.weight").as_deref(), Some(names[2]));
        assert_eq!(found("model.layers.1.q.weight"), None);
        assert_eq!(found("q.weight").as_deref(), Some(names[1]));
    }

    #[test]
    fn a_head_that_is_the_embedding_keeps_what_it_was() {
        let stored = |value| owned(String::new(), vec![value], vec![1, 1]);
        let mut tensors: BTreeMap<String, Stored> = [("wte.weight".to_owned(), stored(7.0))].into();
        untie(&mut tensors, "wte.weight");
        assert_eq!(tensors["lm_head.weight"].floats(), Some(vec![7.0]));
        tensors.insert("wte.weight".to_owned(), stored(8.0));
        untie(&mut tensors, "wte.weight");
        assert_eq!(tensors["lm_head.weight"].floats(), Some(vec![7.0]));
    }

    #[test]
    fn a_matrix_is_turned() {
        assert_eq!(transposed(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], 2), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
