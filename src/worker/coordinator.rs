//! Turns requests into work, and tells the slots how their loads stand.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::jobs::run::RunJob;
use super::jobs::{looked_at, segments, sinks};
use super::pool::Pool;
use super::protocol::{Event, Request, Slot};
use super::slot::SlotState;
use crate::model::LoadOptions;

/// Events of loads that may wait.
const LOAD_EVENTS: usize = 16;

/// Takes requests until all handles are gone; then stops what is running.
pub async fn run(options: LoadOptions, mut inbox: mpsc::Receiver<Request>, events: mpsc::Sender<Event>) {
    let (sender, mut loads) = mpsc::channel(LOAD_EVENTS);
    let mut slots = Slot::ALL.map(|slot| SlotState::new(slot, events.clone(), sender.clone()));
    let pool = Pool::new(options.clone(), events.clone());
    loop {
        let request = tokio::select! {
            // Whoever asks to stop is heard before a load that is done.
            biased;
            request = inbox.recv() => request,
            Some(event) = loads.recv() => {
                slots[event.slot.index()].handle(event).await;
                continue;
            }
        };
        let Some(request) = request else { break };
        if let Err(answer) = begin(request, &mut slots, &pool, &options) {
            // Nobody may be listening any more.
            let _ = events.send(answer).await;
        }
    }
    slots.iter_mut().for_each(SlotState::cancel);
    pool.stop();
}

/// Hands a request to whoever does it.
///
/// # Errors
/// The answer, if that can't even begin.
fn begin(
    request: Request,
    slots: &mut [SlotState; 2],
    pool: &Pool,
    options: &LoadOptions,
) -> Result<(), Event> {
    match request {
        Request::Load { slot, reference } => slots[slot.index()].load(reference, options)?,
        Request::Run { job: id, prompt, chat, sampling, ablations, is_kept } => {
            let (prompt, chat): (Arc<str>, _) = (prompt.into(), chat.map(Arc::new));
            for (slot, ablation) in Slot::ALL.into_iter().zip(ablations) {
                let (prompt, chat) = (prompt.clone(), chat.clone());
                let job = RunJob { slot, id, prompt, chat, sampling, ablation };
                slots[slot.index()].run(job, is_kept[slot.index()]);
            }
        }
        Request::Write(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::Read(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::StopWriting => slots.iter().for_each(SlotState::stop_writing),
        Request::Score(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::Sweep(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::StopSweeps => slots.iter().for_each(SlotState::stop_sweep),
        Request::Lens(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::Push(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::Effect(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::StopEffect => slots.iter().for_each(SlotState::stop_effect),
        Request::Patch(job) => slots[job.slot.index()].submit(job),
        Request::StopPatching => slots.iter().for_each(SlotState::stop_patching),
        Request::View(job) => pool.submit(Box::new(job))?,
        Request::Row(job) => pool.submit(Box::new(job))?,
        Request::LookedAt(job) => pool.submit(Box::new(job))?,
        Request::StopLookedAt => pool.stop_kind(looked_at::KIND),
        Request::Layer(job) => pool.submit(Box::new(job))?,
        Request::Similar(job) => pool.submit(Box::new(job))?,
        Request::Shift(job) => pool.submit(Box::new(job))?,
        Request::Segments(job) => pool.submit(job)?,
        Request::StopSegments => pool.stop_kind(segments::KIND),
        Request::Compare(job) => pool.submit(Box::new(job))?,
        Request::List(job) => pool.submit(Box::new(job))?,
        Request::Estimate(job) => pool.submit(Box::new(job))?,
        Request::Agree { name } => {
            if let Ok(reference) = name.parse() {
                options.consent.agree_to_stated(&reference);
            }
        }
        Request::Sinks(job) => pool.submit(Box::new(job))?,
        Request::StopSinks => pool.stop_kind(sinks::KIND),
        Request::Activations(job) => slots[job.slot.index()].submit(Box::new(job)),
        Request::ForgetLens => slots.iter().for_each(SlotState::forget_lens),
        Request::CancelPasses => slots.iter_mut().for_each(SlotState::cancel_pass),
        Request::Cancel => slots.iter_mut().for_each(SlotState::cancel),
    }
    Ok(())
}
