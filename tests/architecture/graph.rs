//! Which file uses which, by what each name stands for: a name that is handed on (`pub use`) belongs to the file that
//! defines it. So `use super::Thing` of a child is no circle with its `mod.rs`, if a third file defines `Thing`.

use std::collections::{BTreeMap, BTreeSet};

use crate::source::{Reference, Segments, Source};

/// How often a name may be handed on before we take it for a circle of `use`s.
const MOST_STEPS: usize = 16;

/// The files of the crate, by the module that each is.
pub struct Graph {
    files: BTreeMap<Segments, Source>,
}

/// What a path leads to.
enum Target {
    /// A module as such, whose items are counted where they are used.
    Module,
    /// An item that the file of this module defines.
    Item(Segments),
}

impl Graph {
    /// Files that are for tests only are left out.
    pub fn new(sources: Vec<Source>) -> Self {
        let tests: Vec<Segments> =
            sources.iter().flat_map(|source| source.test_modules.iter().cloned()).collect();
        let files = sources
            .into_iter()
            .filter(|source| !tests.iter().any(|test| source.module.starts_with(test)))
            .map(|source| (source.module.clone(), source))
            .collect();
        Self { files }
    }

    /// The same path from the crate's root; `None` if it leads out of the crate, or to nothing that an import names.
    fn absolute(&self, reference: &Reference) -> Option<Segments> {
        let Reference { module, path } = reference;
        let mut rest = path.as_slice();
        let mut start = module.clone();
        match path.first()?.as_str() {
            "crate" => return Some(path[1..].to_vec()),
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|first| first == "super") {
                    start.pop();
                    rest = &rest[1..];
                }
            }
            _ => {
                let child = [module.as_slice(), &path[..1]].concat();
                self.files.contains_key(&child).then_some(())?;
            }
        }
        Some([start.as_slice(), rest].concat())
    }

    /// Every path that a reference may stand for, from the crate's root: what its first name is imported as, or itself.
    fn absolutes(&self, source: &Source, reference: &Reference) -> Vec<Segments> {
        let first = &reference.path[0];
        let mut found: Vec<Segments> = source
            .imports
            .iter()
            .filter(|import| import.name == *first && import.reference.path != reference.path)
            .filter_map(|import| self.absolute(&import.reference))
            .map(|path| [path.as_slice(), &reference.path[1..]].concat())
            .collect();
        if found.is_empty() {
            found.extend(self.absolute(reference));
        }
        found
    }

    /// Where a path from the crate's root is defined.
    fn target(&self, path: &[String], steps: usize) -> Option<Target> {
        let length = (1..=path.len()).rev().find(|&length| self.files.contains_key(&path[..length]))?;
        let source = &self.files[&path[..length]];
        let Some(name) = path.get(length) else { return Some(Target::Module) };
        if source.items.contains(name) || name == "*" {
            return Some(Target::Item(source.module.clone()));
        }
        if steps == MOST_STEPS {
            return None;
        }
        let behind = &path[length + 1..];
        source.imports.iter().find_map(|import| {
            let from = self.absolute(&import.reference)?;
            let from = match import.name.as_str() {
                "*" => [&from[..from.len() - 1], std::slice::from_ref(name)].concat(),
                known if known == name => from,
                _ => return None,
            };
            self.target(&[from.as_slice(), behind].concat(), steps + 1)
        })
    }

    /// The file that defines what a path from the crate's root names. What nobody defines (a variant that is imported,
    /// what a macro makes) counts as its module's.
    fn definer(&self, path: &[String]) -> Option<Segments> {
        match self.target(path, 0) {
            Some(Target::Item(module)) => Some(module),
            Some(Target::Module) => None,
            None => {
                let length =
                    (1..=path.len()).rev().find(|&length| self.files.contains_key(&path[..length]))?;
                Some(path[..length].to_vec())
            }
        }
    }

    /// Every path from the crate's root that a file names, with or without what it only hands on.
    pub fn paths(&self, source: &Source, with_reexports: bool) -> Vec<Segments> {
        let imported = source
            .imports
            .iter()
            .filter(|import| with_reexports || !import.is_reexport)
            .filter_map(|import| self.absolute(&import.reference));
        let named = source.references.iter().flat_map(|reference| self.absolutes(source, reference));
        imported.chain(named).collect()
    }

    /// The files that a file uses.
    fn uses(&self, source: &Source) -> BTreeSet<Segments> {
        let paths = self.paths(source, false);
        let definers = paths.iter().filter_map(|path| self.definer(path));
        definers.filter(|definer| *definer != source.module).collect()
    }

    /// Every file.
    pub fn sources(&self) -> impl Iterator<Item = &Source> {
        self.files.values()
    }

    /// The circles: sets of files that each use every other one, by whatever way. Each with its arrows.
    pub fn circles(&self) -> Vec<BTreeMap<Segments, BTreeSet<Segments>>> {
        let arrows: BTreeMap<&Segments, BTreeSet<Segments>> =
            self.files.iter().map(|(module, source)| (module, self.uses(source))).collect();
        let reached: BTreeMap<&Segments, BTreeSet<&Segments>> =
            arrows.keys().map(|&module| (module, reach(&arrows, module))).collect();
        let mut circles = Vec::new();
        let mut seen: BTreeSet<&Segments> = BTreeSet::new();
        for (module, far) in &reached {
            if !far.contains(module) || seen.contains(module) {
                continue;
            }
            let members: BTreeSet<&Segments> =
                far.iter().copied().filter(|other| reached[other].contains(module)).collect();
            let within = |module: &Segments| {
                arrows[module].iter().filter(|other| members.contains(other)).cloned().collect()
            };
            circles.push(members.iter().map(|&member| (member.clone(), within(member))).collect());
            seen.extend(members);
        }
        circles
    }
}

/// What one gets to from a file; the file itself only on a circle.
fn reach<'a>(arrows: &'a BTreeMap<&Segments, BTreeSet<Segments>>, from: &Segments) -> BTreeSet<&'a Segments> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(module) = open.pop() {
        for next in &arrows[module] {
            if found.insert(next) {
                open.push(next);
            }
        }
    }
    found
}
