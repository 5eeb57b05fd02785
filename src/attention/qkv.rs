//! Queries, keys and values of a layer: on the host, or elsewhere until somebody asks for them.

use std::fmt;
use std::sync::OnceLock;

use super::{Panels, TokenRows};

/// Queries, keys and values of a layer, on the host. S = tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Qkv {
    /// \[S, heads · head_dim\], position applied.
    pub query: TokenRows,
    /// Of each key/value head, position applied.
    pub key: Panels,
    /// Of each key/value head.
    pub value: Panels,
}

impl Qkv {
    /// Those of the first tokens, which share their memory with these.
    #[must_use]
    pub fn prefix(&self, tokens: usize) -> Self {
        let Self { query, key, value } = self;
        Self { query: query.prefix(tokens), key: key.prefix(tokens), value: value.prefix(tokens) }
    }
}

/// Where queries, keys and values are kept that are not on the host.
pub trait Elsewhere: fmt::Debug + Send + Sync {
    /// Copies them to the host.
    ///
    /// # Errors
    /// If they are gone; the text says how.
    fn bring(&self) -> Result<Qkv, String>;

    /// What they take wherever they are, for all that share it: what tells it from others, and bytes.
    fn memory(&self) -> (usize, usize);
}

/// Queries, keys and values of a layer that come to the host when somebody asks for them, and stay there.
#[derive(Debug)]
pub struct KeptQkv(Kept);

#[derive(Debug)]
enum Kept {
    Host(Qkv),
    Elsewhere { place: Box<dyn Elsewhere>, brought: OnceLock<Qkv> },
}

/// What was kept elsewhere is gone, and why. A panic with this is no mistake of ours, but nothing can be computed of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone(pub String);

impl From<Qkv> for KeptQkv {
    fn from(host: Qkv) -> Self {
        Self(Kept::Host(host))
    }
}

impl KeptQkv {
    /// Kept elsewhere.
    pub fn elsewhere(place: impl Elsewhere + 'static) -> Self {
        Self(Kept::Elsewhere { place: Box::new(place), brought: OnceLock::new() })
    }

    /// On the host. The first who asks waits for the copy.
    ///
    /// # Panics
    /// With [`Gone`] if they are gone.
    pub fn get(&self) -> &Qkv {
        self.bring().unwrap_or_else(|gone| std::panic::resume_unwind(Box::new(gone)))
    }

    /// As [`get`](Self::get).
    ///
    /// # Errors
    /// If they are gone.
    pub fn bring(&self) -> Result<&Qkv, Gone> {
        match &self.0 {
            Kept::Host(qkv) => Ok(qkv),
            Kept::Elsewhere { place, brought } => match brought.get() {
                Some(brought) => Ok(brought),
                None => {
                    let copy = place.bring().map_err(Gone)?;
                    // Whoever was faster has brought the same.
                    Ok(brought.get_or_init(|| copy))
                }
            },
        }
    }

    /// Those that were never anywhere else.
    pub fn on_host(&self) -> Option<&Qkv> {
        match &self.0 {
            Kept::Host(qkv) => Some(qkv),
            Kept::Elsewhere { .. } => None,
        }
    }

    /// What they take elsewhere: [`Elsewhere::memory`].
    pub fn memory_elsewhere(&self) -> Option<(usize, usize)> {
        match &self.0 {
            Kept::Host(_) => None,
            Kept::Elsewhere { place, .. } => Some(place.memory()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::super::Order;
    use super::*;

    #[derive(Debug)]
    struct Far(Arc<AtomicUsize>, Result<Qkv, String>);

    impl Elsewhere for Far {
        fn bring(&self) -> Result<Qkv, String> {
            self.0.fetch_add(1, Ordering::SeqCst);
            self.1.clone()
        }

        fn memory(&self) -> (usize, usize) {
            (1, 24)
        }
    }

    fn qkv() -> Qkv {
        let panels = |order| Panels::from_values(order, 1, 2, &[1.0, 2.0]);
        let query = TokenRows::from_values(2, &[3.0, 4.0]);
        Qkv { query, key: panels(Order::ByPlace), value: panels(Order::ByToken) }
    }

    #[test]
    fn what_is_elsewhere_comes_once_and_only_when_asked_for() {
        let asked = Arc::new(AtomicUsize::new(0));
        let kept = KeptQkv::elsewhere(Far(asked.clone(), Ok(qkv())));
        assert_eq!(asked.load(Ordering::SeqCst), 0);
        assert_eq!((kept.get(), kept.get()), (&qkv(), &qkv()));
        assert_eq!(asked.load(Ordering::SeqCst), 1);
        assert_eq!((kept.on_host(), kept.memory_elsewhere()), (None, Some((1, 24))));
        let here = KeptQkv::from(qkv());
        assert_eq!((here.get(), here.on_host(), here.memory_elsewhere()), (&qkv(), Some(&qkv()), None));
    }

    #[test]
    fn what_is_gone_is_said_to_be() {
        let kept = KeptQkv::elsewhere(Far(Arc::default(), Err("it was lost".to_owned())));
        let panic =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| kept.get().clone())).unwrap_err();
        assert_eq!(panic.downcast_ref(), Some(&Gone("it was lost".to_owned())));
        assert_eq!(kept.bring(), Err(Gone("it was lost".to_owned())));
    }
}
