//! What all words share: their choices, and how text becomes one of them.

/// A text that is not among the choices of a word.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is no {noun}: use {}", choices.join(", "))]
pub struct UnknownName {
    pub(super) text: String,
    pub(super) noun: &'static str,
    pub(super) choices: Vec<&'static str>,
}

/// Gives an enum that derives strum's `EnumCount`, `IntoStaticStr` and `VariantArray` the list of its choices, their
/// names, and text and serde by name. The noun stands in errors: `'bmp' is no format`.
macro_rules! names {
    ($word:ident, $noun:literal) => {
        impl $word {
            /// All choices, in their order.
            pub const ALL: [Self; <Self as strum::EnumCount>::COUNT] =
                match <Self as strum::VariantArray>::VARIANTS.first_chunk() {
                    Some(all) => *all,
                    None => unreachable!(),
                };

            /// As people type it and files spell it.
            pub fn name(self) -> &'static str {
                self.into()
            }

            /// The choice after it; the first one after the last.
            #[must_use]
            pub fn next(self) -> Self {
                Self::ALL[(self as usize + 1) % Self::ALL.len()]
            }
        }

        impl std::fmt::Display for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.name())
            }
        }

        impl std::str::FromStr for $word {
            type Err = $crate::vocabulary::UnknownName;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::ALL.into_iter().find(|choice| choice.name() == text).ok_or_else(|| {
                    $crate::vocabulary::UnknownName {
                        text: text.to_owned(),
                        noun: $noun,
                        choices: Self::ALL.map(Self::name).to_vec(),
                    }
                })
            }
        }

        $crate::vocabulary::serde_as_text!($word);
    };
}
pub(super) use names;

/// Lets serde write a type as its text, and read it from that.
macro_rules! serde_as_text {
    ($type:ty) => {
        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use serde_as_text;

#[cfg(test)]
mod tests {
    use std::fmt::{Debug, Display};
    use std::str::FromStr;

    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use strum::{EnumMessage, VariantArray};

    use crate::vocabulary::*;

    /// Each choice is read by its name, from text and by serde, and has a line for the help.
    fn check<T>()
    where
        T: VariantArray + EnumMessage + FromStr<Err = UnknownName> + Display + Debug + PartialEq,
        T: Serialize + DeserializeOwned,
    {
        for choice in T::VARIANTS {
            let name = choice.to_string();
            assert_eq!(&name.parse::<T>().unwrap(), choice);
            let json = serde_json::to_value(choice).unwrap();
            assert_eq!(json, name);
            assert_eq!(&serde_json::from_value::<T>(json).unwrap(), choice);
            let help = choice.get_documentation().unwrap();
            assert!(help.ends_with('.') && !help.contains('\n'), "{name}: {help:?}");
        }
        let error = "?".parse::<T>().unwrap_err().to_string();
        assert!(error.starts_with("'?' is no ") && error.contains(&T::VARIANTS[0].to_string()), "{error}");
        assert!(serde_json::from_str::<T>("\"?\"").unwrap_err().to_string().starts_with(&error));
    }

    #[test]
    fn every_word_reads_what_it_writes() {
        check::<Background>();
        check::<ColorDepth>();
        check::<ColorMap>();
        check::<ColorScale>();
        check::<Engine>();
        check::<ExportFormat>();
        check::<Granularity>();
        check::<LayerKind>();
        check::<LongPrompts>();
        check::<Normalisation>();
        check::<Pooling>();
        check::<Precision>();
        check::<SegmentRule>();
        check::<TextColoring>();
    }

    #[test]
    fn going_on_comes_back() {
        let normalisation = Normalisation::default();
        assert_eq!(normalisation.next().next().next(), normalisation);
        assert_eq!(ColorScale::Linear.next(), ColorScale::Log);
        assert_eq!(ColorScale::Log.next(), ColorScale::Linear);
    }
}
