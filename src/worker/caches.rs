//! What jobs keep of the resident model from one to the next, each a type of its own.

use std::any::{Any, TypeId};
use std::collections::HashMap;

/// One value of each type. All of them go with the model.
#[derive(Default)]
pub struct Caches(HashMap<TypeId, Box<dyn Any>>);

impl Caches {
    /// Takes out what is kept of this type. A job that panics before it gives it back leaves nothing half done.
    pub fn take<T: Any + Default>(&mut self) -> T {
        let kept = self.0.remove(&TypeId::of::<T>()).and_then(|kept| kept.downcast().ok());
        kept.map_or_else(T::default, |kept| *kept)
    }

    /// Keeps a value in the place of another one of its type.
    pub fn keep<T: Any>(&mut self, value: T) {
        self.0.insert(TypeId::of::<T>(), Box::new(value));
    }

    /// Keeps nothing any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_its_type_until_it_is_taken_or_all_goes() {
        let mut caches = Caches::default();
        caches.keep(7_u32);
        caches.keep("seven".to_owned());
        assert_eq!((caches.take::<u32>(), caches.take::<u32>()), (7, 0));
        caches.clear();
        assert_eq!(caches.take::<String>(), "");
    }
}
