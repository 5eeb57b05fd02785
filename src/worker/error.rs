//! Why the worker could not do what was asked. The error keeps its type up to the screen.

use std::sync::Arc;

use crate::attention::NoSuchView;
use crate::attention::segments::Unmeasured;
use crate::model::ModelError;
use crate::model::files::HubError;

/// Why a request failed. Clones share the cause. Two are equal if they read the same.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WorkerError {
    /// Somebody stopped it.
    #[error("stopped")]
    Cancelled,
    /// The model it needs is in no slot any more.
    #[error("{0} is not here any more")]
    ModelGone(String),
    /// There is no model of that name.
    #[error(transparent)]
    NoSuchModel(Arc<ModelError>),
    /// The hub or its cache did not give the model.
    #[error(transparent)]
    Hub(Arc<ModelError>),
    /// There is not enough memory for the model, or for what was asked of it.
    #[error(transparent)]
    OutOfMemory(Arc<ModelError>),
    /// The model could not be loaded, or could not run.
    #[error(transparent)]
    Model(Arc<ModelError>),
    /// The capture has no such layer or head.
    #[error(transparent)]
    View(#[from] NoSuchView),
    /// It can't be done: what, where, what to do.
    #[error("{0}")]
    Refused(String),
    /// A panic: our mistake, or a library's.
    #[error("internal error: {0}: please report it")]
    Internal(String),
    /// There is no worker any more.
    #[error("the thread that runs the models has stopped: quit and start again")]
    WorkerGone,
}

impl WorkerError {
    /// Whether asking the same again can't help: something else has to be asked.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::View(_) | Self::WorkerGone)
    }

    /// A sentence about what failed, `load` for example: `the load was stopped`.
    pub fn about(&self, what: &str) -> String {
        match self {
            Self::Cancelled => format!("the {what} was stopped"),
            error => error.to_string(),
        }
    }
}

impl From<ModelError> for WorkerError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Cancelled => Self::Cancelled,
            ModelError::Reference(_) => Self::NoSuchModel(Arc::new(error)),
            ModelError::Hub(HubError::NoRepository { .. } | HubError::NoRevision { .. }) => {
                Self::NoSuchModel(Arc::new(error))
            }
            ModelError::OutOfMemory(_) => Self::OutOfMemory(Arc::new(error)),
            ModelError::Hub(_) => Self::Hub(Arc::new(error)),
            ModelError::Io { .. } | ModelError::Device(_) | ModelError::Gpu(_) | ModelError::Invalid(_) => {
                Self::Model(Arc::new(error))
            }
        }
    }
}

impl From<Unmeasured> for WorkerError {
    fn from(error: Unmeasured) -> Self {
        match error {
            Unmeasured::Stopped => Self::Cancelled,
            Unmeasured::View(error) => error.into(),
            error @ Unmeasured::LongRollout { .. } => Self::Refused(error.to_string()),
        }
    }
}

impl PartialEq for WorkerError {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other) && self.to_string() == other.to_string()
    }
}

impl Eq for WorkerError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Reference;

    #[test]
    fn an_error_keeps_its_kind_and_its_words() {
        let no_name = "no name".parse::<Reference>().unwrap_err();
        let words = no_name.to_string();
        let error = WorkerError::from(ModelError::from(no_name));
        assert!(matches!(error, WorkerError::NoSuchModel(_)), "{error:?}");
        assert_eq!((error.to_string(), error.about("load")), (words.clone(), words));
        let stopped = WorkerError::from(ModelError::Cancelled);
        assert_eq!(
            (stopped.to_string().as_str(), stopped.about("load").as_str()),
            ("stopped", "the load was stopped")
        );
        let hub = HubError::NoRevision { model: "org/tiny@v2".to_owned() };
        assert!(matches!(ModelError::from(hub).into(), WorkerError::NoSuchModel(_)));
        let too_large = ModelError::OutOfMemory("a/b: not enough memory".to_owned());
        assert!(matches!(too_large.into(), WorkerError::OutOfMemory(_)));
        let other = || WorkerError::from(ModelError::Invalid("config.json: no layers".to_owned()));
        assert!(matches!(other(), WorkerError::Model(_)));
        assert!(other() == other() && other() != WorkerError::Refused(other().to_string()));
    }
}
