//! Models and captures made by hand, and a worker that answers at once.

use std::sync::{Arc, OnceLock};

use attnscope::app::{Action, Column, Effect, LensPanel, Opened, Side, State, Viewport, Viewports, update};
use attnscope::attention::ablation::moved_heads;
use attnscope::attention::segments::{SegmentShares, Segments, lookback};
use attnscope::attention::similar::similar_heads;
use attnscope::attention::sinks::{Sinks, StateActivations};
use attnscope::attention::{
    Ablation, AttentionRule, Capture, CausalMatrix, Computed, HeadSummary, HeadSums, LayerCapture, LayerSums,
    LookedAt, MeasuredComparison, ModelInfo, NextToken, Order, Panels, PromptIndex, Qkv, RepeatScores,
    ScoresByHead, Token, TokenRows, View, row_sums, thumbnail_bin, tokens_per_cell,
};
use attnscope::config::keys::Keys;
use attnscope::kernels::attention::{Row, Rows};
use attnscope::model::ModelError;
use attnscope::worker::protocol::{
    Event, JobId, LayerAnswer, LayerJob, LayerQuestion, LookedAtJob, Request, ScoringJob, SegmentsFound,
    SegmentsJob, TokenRow, ViewJob, WorkerError,
};
use tui_input::InputRequest;

pub const PROMPT: [&str; 5] = ["write", " a", " story", " about", " AI"];
const HEAD_DIM: usize = 4;

/// A model without weights.
pub fn model(name: &str, layers: usize, heads: usize, has_sinks: bool) -> Arc<ModelInfo> {
    Arc::new(ModelInfo {
        name: name.to_owned(),
        revision: None,
        family: if has_sinks { "gpt_oss" } else { "gpt2" }.to_owned(),
        layers,
        heads,
        kv_heads: heads,
        windows: vec![None; layers],
        has_sinks,
        has_output_head: true,
        context: 1024,
        vocabulary: 2048,
        parameters: 1_000_000,
        precision: if has_sinks { "mxfp4" } else { "f32" }.to_owned(),
        device: "cpu".to_owned(),
        resident_bytes: 4_000_000,
        notes: Vec::new(),
    })
}

/// `demo:gpt2`, as large as the tests need it.
pub fn gpt2() -> Arc<ModelInfo> {
    // Of one load: what is known of a model is known of that.
    static MODEL: OnceLock<Arc<ModelInfo>> = OnceLock::new();
    MODEL.get_or_init(|| model("demo:gpt2", 2, 3, false)).clone()
}

/// `demo:gpt-oss`, a layer and two heads larger.
pub fn gpt_oss() -> Arc<ModelInfo> {
    static MODEL: OnceLock<Arc<ModelInfo>> = OnceLock::new();
    MODEL.get_or_init(|| model("demo:gpt-oss", 3, 5, true)).clone()
}

/// A gpt-oss whose layers are sliding and full in turn, and whose heads share keys in pairs.
pub fn grouped() -> Arc<ModelInfo> {
    let windows = vec![Some(3), None, Some(3), None];
    Arc::new(ModelInfo { kv_heads: 2, windows, ..(*model("demo:gpt-oss", 4, 4, true)).clone() })
}

/// Tokens that follow each other in a prompt.
pub fn tokens(texts: &[&str]) -> Vec<Token> {
    let mut start = 0;
    let mut token = |(id, text): (usize, &&str)| {
        let token = Token::from_bytes(id as u32, (*text).to_owned(), text.as_bytes(), start);
        start += text.len();
        token
    };
    texts.iter().enumerate().map(&mut token).collect()
}

/// The pass of a model whose queries and keys are drawn, always the same ones.
pub fn capture(model: &Arc<ModelInfo>, texts: &[&str]) -> Arc<Capture> {
    let tokens = tokens(texts);
    let mut random = Random(7 + model.heads as u64);
    let mut layers: Vec<LayerCapture> =
        (0..model.layers).map(|at| layer(model, at, &tokens, &mut random)).collect();
    let empty = || CausalMatrix::zeros(tokens.len(), tokens_per_cell(tokens.len()), model.has_sinks);
    let mut mean = empty();
    for layer in &mut layers {
        layer.mean = layer_mean(layer, empty());
        mean.add_scaled(&layer.mean, 1.0 / model.layers as f32);
    }
    let layers = layers.into_iter().map(Arc::new).collect();
    let next = [next_token(1, " research", 0.31), next_token(2, " and", 0.125), next_token(3, "\n", 0.04)];
    let logits = vec![0.0; model.vocabulary];
    let drawn = Some(next_token(4, " unlikely", 0.002));
    Arc::new(Capture {
        model: model.clone(),
        tokens: tokens.into(),
        computed: Computed::default(),
        ablation: Ablation::default(),
        before: None,
        layers,
        mean,
        logits,
        log_sum_exp: Default::default(),
        next: next.to_vec(),
        chat: None,
        drawn,
        repeated: None,
        swept: None,
        pushed: None,
        digest: Default::default(),
    })
}

/// A pass without some heads, and the one with all before it: its later layers look elsewhere, and its next tokens
/// are others.
pub fn ablated(model: &Arc<ModelInfo>, texts: &[&str], heads: &str) -> Arc<Capture> {
    let before = Arc::new(foreseeing(capture(model, texts), [0.31, 0.125, 0.04]));
    let ablation: Ablation = heads.parse().unwrap();
    let mut after = foreseeing(before.clone(), [0.21, 0.25, 0.04]);
    let first = ablation.heads().next().map_or(model.layers, |(layer, _)| layer + 1);
    after.layers[first..].iter_mut().for_each(reverse_queries);
    (after.ablation, after.before) = (ablation, Some(before));
    Arc::new(after)
}

/// Gives the layer other queries.
pub fn reverse_queries(layer: &mut Arc<LayerCapture>) {
    let layer = Arc::make_mut(layer);
    let qkv = layer.qkv.get().clone();
    let mut values: Vec<f32> = qkv.query.rows().flatten().copied().collect();
    values.reverse();
    let query = TokenRows::from_values(values.len() / qkv.query.tokens(), &values);
    layer.qkv = Arc::new(Qkv { query, ..qkv }.into());
}

/// \[heads, tokens, size\] → \[tokens, heads · size\]
fn by_token(values: &[f32], heads: usize, size: usize) -> TokenRows {
    let mut rows = TokenRows::new(heads * size);
    let tokens = values.len() / (heads * size);
    rows.extend(tokens, |token, row| {
        for (head, row) in row.chunks_exact_mut(size).enumerate() {
            row.copy_from_slice(&values[(head * tokens + token) * size..][..size]);
        }
    });
    rows
}

/// The same pass with these probabilities for what it lists.
fn foreseeing(capture: Arc<Capture>, probabilities: [f32; 3]) -> Capture {
    let mut capture = (*capture).clone();
    capture.log_sum_exp.reset();
    let rest = (1.0 - probabilities.iter().sum::<f32>()) / (capture.logits.len() - 3) as f32;
    capture.logits.fill(rest.ln());
    for (next, probability) in capture.next.iter_mut().zip(probabilities) {
        next.probability = probability;
        capture.logits[next.token.id as usize] = probability.ln();
    }
    capture.next.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    capture
}

fn next_token(id: u32, text: &str, probability: f32) -> NextToken {
    NextToken { token: Token::from_bytes(id, text.to_owned(), text.as_bytes(), 0), probability }
}

fn layer(model: &ModelInfo, at: usize, tokens: &[Token], random: &mut Random) -> LayerCapture {
    let (count, heads) = (tokens.len(), model.heads);
    let panels = |order, values: &[f32]| Panels::from_values(order, model.kv_heads, HEAD_DIM, values);
    let norms: Vec<f32> = (0..heads * count).map(|at| 0.5 + (at % 7) as f32).collect();
    let qkv = Qkv {
        query: by_token(&random.take(heads * count * HEAD_DIM), heads, HEAD_DIM),
        key: panels(Order::ByPlace, &random.take(model.kv_heads * count * HEAD_DIM)),
        value: panels(Order::ByToken, &vec![0.0; model.kv_heads * count * HEAD_DIM]),
    };
    let mut layer = LayerCapture {
        qkv: Arc::new(qkv.into()),
        value_norms: by_token(&norms, heads, 1),
        log_sum_exp: TokenRows::from_values(heads, &vec![0.0; count * heads]),
        sums: LayerSums::new(heads),
        rule: AttentionRule {
            sliding_window: model.windows[at],
            sinks: model.has_sinks.then(|| vec![1.5; heads].into()),
            ..AttentionRule::scaled(1.0)
        },
        mean: CausalMatrix::zeros(count, 1, model.has_sinks),
        heads: Vec::new(),
    };
    let empty = HeadSummary { statistics: Default::default(), thumbnail: CausalMatrix::zeros(0, 1, false) };
    layer.heads = vec![empty; heads];
    layer.heads = (0..heads).map(|head| summary(&layer, head, tokens)).collect();
    layer
}

fn summary(layer: &LayerCapture, head: usize, tokens: &[Token]) -> HeadSummary {
    let index = PromptIndex::new(tokens);
    let size = tokens.len();
    let mut sums = HeadSums::default();
    let mut thumbnail = CausalMatrix::zeros(size, thumbnail_bin(size), layer.rule.sinks.is_some());
    each_row(layer, head, |query, row| {
        sums.add(&row_sums(query, row.first_key, row.weights, row.norm, &index));
        thumbnail.rows_mut().raise_row(query, row.first_key, row.weights, row.norm.sink);
    });
    HeadSummary { statistics: sums.finish(), thumbnail }
}

fn layer_mean(layer: &LayerCapture, mut mean: CausalMatrix) -> CausalMatrix {
    let heads = layer.heads.len();
    for head in 0..heads {
        each_row(layer, head, |query, row| {
            mean.rows_mut().add_row(query, row.first_key, row.weights, row.norm.sink, 1.0 / heads as f32);
        });
    }
    mean
}

fn each_row(layer: &LayerCapture, head: usize, mut visit: impl FnMut(usize, Row<'_>)) {
    let mut rows = Rows::default();
    let computed = layer.head(head);
    for query in 0..layer.log_sum_exp.tokens() {
        computed.rows(query..query + 1, &mut rows);
        rows.iter().for_each(|row| visit(query, row));
    }
}

/// Knuth's linear congruential generator.
struct Random(u64);

impl Random {
    fn take(&mut self, count: usize) -> Vec<f32> {
        let next = |_| {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 40) as f32 / (1u64 << 23) as f32 * 1.5 - 1.5
        };
        (0..count).map(next).collect()
    }
}

/// The viewer at its start, nothing loaded.
pub fn started() -> State {
    let mut state =
        State::new("demo:gpt2".into(), "demo:gpt-oss".into(), PROMPT.concat(), Keys::default(), true);
    act(&mut state, Action::Start);
    state
}

/// Something happens, and what it asks for is left undone.
pub fn act(state: &mut State, action: Action) {
    let _ = update(state, action);
}

/// A screen has room for so many cells of a pane.
pub fn fit(state: &mut State, side: Side, viewport: Viewport) {
    let mut viewports = Viewports::default();
    viewports.panes[side.index()] = Some(viewport);
    state.fit(&viewports);
}

/// The worker reports.
pub fn hear(state: &mut State, event: Event) -> Vec<Effect> {
    update(state, Action::Worker(event))
}

/// Both models are resident.
pub fn loaded() -> State {
    let mut state = started();
    for (side, model) in [(Side::Left, gpt2()), (Side::Right, gpt_oss())] {
        hear(&mut state, Event::Loaded { slot: side.slot(), model });
    }
    state
}

/// Both models have run the newest prompt, which each reads in its own tokens.
pub fn captured_as(state: &mut State, left: &[&str], right: &[&str]) -> Vec<Effect> {
    let job = state.run.job;
    let captures = [(Side::Left, capture(&gpt2(), left)), (Side::Right, capture(&gpt_oss(), right))];
    captures
        .into_iter()
        .flat_map(|(side, capture)| hear(state, Event::Captured { slot: side.slot(), job, capture }))
        .collect()
}

/// Both models have run the first prompt.
pub fn captured() -> State {
    let mut state = loaded();
    captured_as(&mut state, &PROMPT, &PROMPT);
    state
}

/// One model, loaded and with the first prompt read.
pub fn alone() -> State {
    let mut state = State::of_one_model("demo:gpt2".into(), PROMPT.concat(), Keys::default(), true);
    act(&mut state, Action::Start);
    let (side, job) = (Side::Left, state.run.job);
    hear(&mut state, Event::Loaded { slot: side.slot(), model: gpt2() });
    hear(&mut state, Event::Captured { slot: side.slot(), job, capture: capture(&gpt2(), &PROMPT) });
    state
}

/// As [`captured`], the right model being [`grouped`].
pub fn captured_with_groups() -> State {
    let mut state = started();
    for (side, model) in [(Side::Left, gpt2()), (Side::Right, grouped())] {
        let (job, capture) = (state.run.job, capture(&model, &PROMPT));
        hear(&mut state, Event::Loaded { slot: side.slot(), model });
        hear(&mut state, Event::Captured { slot: side.slot(), job, capture });
    }
    state
}

/// Presses keys, in order; what is to be done is returned.
pub fn press(state: &mut State, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split_whitespace() {
        let command = state.keys.command(key.parse().unwrap()).unwrap();
        effects.extend(update(state, Action::Command(command)));
    }
    effects
}

/// The prompts that are to be run.
pub fn runs(effects: &[Effect]) -> Vec<(JobId, String)> {
    let run = |effect: &Effect| match effect {
        Effect::Send(Request::Run { job, prompt, .. }) => Some((*job, prompt.clone())),
        _ => None,
    };
    effects.iter().filter_map(run).collect()
}

/// Computes the views, scores and likenesses that are asked for, and reports them.
pub fn answer(state: &mut State, effects: Vec<Effect>) {
    for effect in effects {
        let Effect::Send(request) = effect else { continue };
        let event = match request {
            Request::View(ViewJob { capture, view, .. }) => {
                let matrix = Arc::new(capture.matrix(view).unwrap());
                Event::Viewed { capture, view, matrix }
            }
            Request::Row(question) => {
                let (weights, sink) = question.capture.row(question.view, question.query).unwrap();
                Event::Row { question: Box::new(question), row: Ok(Arc::new(TokenRow { weights, sink })) }
            }
            Request::LookedAt(question) => {
                let LookedAtJob { capture, view, normalisation, .. } = &question;
                let found = LookedAt::of_view(capture, *view, *normalisation, &|| false).unwrap();
                Event::LookedAt { question: Box::new(question), found: Ok(Arc::new(found)) }
            }
            Request::Score(ScoringJob { slot, model, ablations }) => {
                for ablation in ablations {
                    let scores = Arc::new(scores(&model));
                    let event = Event::Scored { slot, model: model.clone(), ablation, scores };
                    let effects = hear(state, event);
                    answer(state, effects);
                }
                continue;
            }
            Request::Layer(LayerJob { capture, layer, question, .. }) => {
                let found = match question {
                    LayerQuestion::Pictures => {
                        LayerAnswer::Pictures(Arc::new(capture.weighted_pictures(layer).unwrap()))
                    }
                    LayerQuestion::Moved => {
                        let before = capture.before.as_ref().unwrap();
                        LayerAnswer::Moved(moved_heads(before, &capture, layer).unwrap())
                    }
                };
                Event::Layer { capture, layer, found }
            }
            Request::Compare(question) => {
                let captures = question.captures.each_ref().map(AsRef::as_ref);
                let found = MeasuredComparison::of_views(
                    captures,
                    question.views,
                    question.granularity,
                    question.texts,
                );
                let found = found.map(Arc::new).map_err(WorkerError::Refused);
                Event::Compared { question: Box::new(question), found }
            }
            Request::Segments(question) => Event::Segments { found: segments(&question), question },
            Request::Sinks(question) => {
                let found = Sinks::new(&question.capture, &|| false).unwrap();
                Event::Sinks { question, found: Ok(Arc::new(found)) }
            }
            Request::Activations(question) => {
                let found = Ok(Arc::new(activations(&question.capture)));
                Event::Activations { question, found }
            }
            Request::Similar(question) => {
                let captures = question.captures.each_ref().map(Option::as_deref);
                let found = similar_heads(captures, (question.of, question.head));
                Event::Similar { found: found.map_err(WorkerError::Refused), question }
            }
            _ => continue,
        };
        let effects = hear(state, event);
        answer(state, effects);
    }
}

/// What is large in a residual stream of four dimensions: more and more at the first token.
fn activations(capture: &Capture) -> Vec<StateActivations> {
    let state = |row: usize| {
        let values = (0..4 * capture.tokens.len()).map(|at| if at == 1 { -60.0 * row as f32 } else { 0.05 });
        StateActivations::new(&values.collect::<Vec<f32>>(), 4)
    };
    (0..=capture.model.layers).map(state).collect()
}

/// What segments give each other, as the worker finds it.
pub fn segments(question: &SegmentsJob) -> Result<Arc<SegmentsFound>, WorkerError> {
    let SegmentsJob { capture, prompt, cut, view, .. } = question;
    let segments = Segments::new(capture, prompt, cut).map_err(|error| refused(&error.to_string()))?;
    let of_heads = lookback(capture, &segments, &|| false).unwrap().map(Arc::new);
    let shares = SegmentShares::new(capture, Arc::new(segments), *view, &|| false);
    let shares = shares.map_err(|error| refused(&error.to_string()))?;
    Ok(Arc::new(SegmentsFound { shares, lookback: of_heads }))
}

/// What went wrong may go right another time.
pub fn failed(why: &str) -> WorkerError {
    WorkerError::Model(Arc::new(ModelError::Invalid(why.to_owned())))
}

/// What the worker says where something can't be done.
pub fn refused(why: &str) -> WorkerError {
    WorkerError::Refused(why.to_owned())
}

/// Computes views that are asked for, and nothing else.
pub fn answer_views(state: &mut State, effects: Vec<Effect>) {
    for effect in effects {
        if let Effect::Send(Request::View(ViewJob { capture, view, .. })) = effect {
            let matrix = Arc::new(capture.matrix(view).unwrap());
            hear(state, Event::Viewed { capture, view, matrix });
        }
    }
}

/// Scores of heads, all of them different.
fn scores(model: &ModelInfo) -> ScoresByHead {
    let mut random = Random(model.heads as u64);
    let mut score = || -random.take(1)[0] / 1.5;
    let mut head =
        || RepeatScores { previous: score().abs(), duplicate: score().abs(), induction: score().abs() };
    (0..model.layers).map(|_| (0..model.heads).map(|_| head()).collect()).collect()
}

/// Presses keys, and waits for what they ask for.
pub fn press_and_wait(state: &mut State, keys: &str) {
    for key in keys.split_whitespace() {
        let effects = press(state, key);
        answer(state, effects);
    }
}

/// Opens the prompt's editor and adds to the text in it.
pub fn append(state: &mut State, text: &str) -> Vec<Effect> {
    press(state, "i");
    act(state, Action::Edit(InputRequest::GoToEnd));
    update(state, Action::Paste(text.to_owned()))
}

/// Points to what the last token of the focused side gave to the first.
pub fn point_to_first(state: &mut State) {
    let (query, column) = (usize::MAX, Column::Key(0));
    act(state, Action::Point { side: state.panes.focus, query, column });
}

/// What lens of a pane is open.
pub fn lens_panel(state: &State, side: Side) -> Option<&LensPanel> {
    match state.screen.opened() {
        Opened::Lens(lens) => lens.panes[side.index()].as_ref(),
        _ => None,
    }
}

/// The number after the newest.
pub fn next_job(state: &State) -> JobId {
    JobId(state.run.job.0 + 1)
}

/// The views on screen.
pub fn shown(state: &State) -> [View; 2] {
    Side::BOTH.map(|side| state.pane(side).shown.as_ref().unwrap().view())
}

/// Room for so many cells of one character.
pub fn viewport(rows: usize, keys: usize) -> Viewport {
    Viewport { rows, keys, cell: (1, 1) }
}

/// The view of a head.
pub fn head(layer: usize, head: usize) -> View {
    View::Head { layer, head }
}

/// The views that are asked for.
pub fn asked(effects: &[Effect]) -> Vec<(Side, View)> {
    let side = |capture: &Capture| if capture.model.has_sinks { Side::Right } else { Side::Left };
    let view = |effect: &Effect| match effect {
        Effect::Send(Request::View(ViewJob { capture, view, .. })) => Some((side(capture), *view)),
        _ => None,
    };
    effects.iter().filter_map(view).collect()
}
