//! The rows of a prompt on a device, and their way to the host: layer by layer when somebody asks, or all at once when the
//! device needs the room.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::{fmt, thread};

use rayon::{ThreadPool, ThreadPoolBuilder};

use crate::attention::{Elsewhere, Order, Panels, Qkv, TokenRows};
use crate::gpu::{Device, GpuError, HostBuffer, KeptRows, Row, Shape};

/// A device, and the way from it to the host.
pub struct Bridge {
    /// The device.
    pub device: Arc<Device>,
    /// The decoder's sizes.
    pub shape: Shape,
    /// Page-locked, and as large as was needed so far.
    by: Mutex<Option<HostBuffer>>,
}

/// The rows of a prompt's tokens. Captures share them with those of prompts that go on from theirs.
pub struct DeviceRows {
    bridge: Arc<Bridge>,
    /// On the device, until they have to leave it.
    kept: Mutex<Option<Arc<KeptRows>>>,
    /// Bytes of a layer.
    layer_bytes: usize,
    /// Of each layer the tokens that have come to the host.
    brought: Vec<Mutex<Qkv>>,
    /// Tokens that captures may ask for.
    used: AtomicUsize,
    /// Whether rows come to the host during the pass: they take too much of the device to stay.
    pub is_much: bool,
}

/// A layer of a capture, for so many tokens.
pub struct OnDevice {
    /// The rows of its prompt.
    pub rows: Arc<DeviceRows>,
    /// Which layer.
    pub layer: usize,
    /// How many tokens it has.
    pub tokens: usize,
}

impl Bridge {
    /// To a device that holds a decoder of these sizes.
    pub fn new(device: Arc<Device>, shape: Shape) -> Self {
        Self { device, shape, by: Mutex::default() }
    }

    /// Of no tokens yet.
    fn nothing(&self) -> Qkv {
        let Shape { heads, kv_heads, head_dim, .. } = self.shape;
        Qkv {
            query: TokenRows::new(heads * head_dim),
            key: Panels::new(Order::ByPlace, kv_heads, head_dim),
            value: Panels::new(Order::ByToken, kv_heads, head_dim),
        }
    }

    /// Appends rows, \[n, layer_stride\].
    fn append(&self, qkv: &mut Qkv, rows: &[f32]) {
        let (shape, stride) = (&self.shape, self.shape.layer_stride());
        let row = |at: usize| Row::of(shape, &rows[at * stride..][..stride]);
        let count = rows.len() / stride;
        qkv.query.extend(count, |at, to| to.copy_from_slice(row(at).query));
        let sizes = (shape.kv_heads, shape.head_dim);
        qkv.key.extend(&heads_apart(count, sizes, |at| row(at).key));
        qkv.value.extend(&heads_apart(count, sizes, |at| row(at).value));
    }
}

/// \[heads, n, dim\] from the rows of tokens, \[heads, dim\] each.
fn heads_apart<'a>(count: usize, (heads, dim): (usize, usize), row: impl Fn(usize) -> &'a [f32]) -> Vec<f32> {
    let mut values = vec![0.0; heads * count * dim];
    for at in 0..count {
        for (head, from) in row(at).chunks_exact(dim).enumerate() {
            values[(head * count + at) * dim..][..dim].copy_from_slice(from);
        }
    }
    values
}

/// What [`DeviceRows::write`] takes: the rows of tokens, as a device keeps them, \[tokens, layer_stride\]; log-sum-exps are
/// \[tokens, heads\].
pub fn rows_of(shape: &Shape, qkv: &Qkv, log_sum_exp: &TokenRows, tokens: usize) -> Vec<f32> {
    let (stride, dim) = (shape.layer_stride(), shape.head_dim);
    let mut rows = vec![0.0; tokens * stride];
    let [key, value] = [&qkv.key, &qkv.value].map(|panels| panels.prefix(tokens).to_values());
    for (token, row) in rows.chunks_exact_mut(stride).enumerate() {
        let of_heads = |values: &[f32], to: &mut [f32]| {
            for (head, to) in to.chunks_exact_mut(dim).enumerate() {
                to.copy_from_slice(&values[(head * tokens + token) * dim..][..dim]);
            }
        };
        let (query, row) = row.split_at_mut(shape.heads * dim);
        query.copy_from_slice(qkv.query.row(token));
        let (keys, row) = row.split_at_mut(shape.kv_heads * dim);
        of_heads(&key, keys);
        let (values, row) = row.split_at_mut(shape.kv_heads * dim);
        of_heads(&value, values);
        row[..shape.heads].copy_from_slice(log_sum_exp.row(token));
    }
    rows
}

impl DeviceRows {
    /// Of rows that are known of `brought` tokens: what of each layer is on the host, too.
    pub fn new(bridge: Arc<Bridge>, kept: KeptRows, brought: Option<Vec<Qkv>>, is_much: bool) -> Self {
        let layers = bridge.shape.layers;
        let brought = brought.unwrap_or_else(|| vec![bridge.nothing(); layers]);
        Self {
            layer_bytes: kept.bytes() as usize / layers.max(1),
            brought: brought.into_iter().map(Mutex::new).collect(),
            kept: Mutex::new(Some(Arc::new(kept))),
            used: AtomicUsize::new(0),
            bridge,
            is_much,
        }
    }

    /// Those on the device, if they are still there.
    pub fn kept(&self) -> Option<Arc<KeptRows>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Tokens that captures may ask for.
    pub fn used(&self) -> usize {
        self.used.load(Ordering::SeqCst)
    }

    /// From now on captures may ask for so many tokens.
    pub fn set_used(&self, tokens: usize) {
        self.used.store(tokens, Ordering::SeqCst);
    }

    /// Forgets all but the first tokens, which no capture may have asked for.
    pub fn forget_behind(&self, tokens: usize) {
        self.set_used(tokens.min(self.used()));
        for brought in &self.brought {
            let mut brought = brought.lock().unwrap_or_else(PoisonError::into_inner);
            if brought.query.tokens() > tokens {
                *brought = brought.prefix(tokens);
            }
        }
    }

    /// What of each layer has come to the host of the first tokens.
    pub fn brought(&self, tokens: usize) -> Vec<Qkv> {
        let first = |brought: &Mutex<Qkv>| {
            let brought = brought.lock().unwrap_or_else(PoisonError::into_inner);
            brought.prefix(tokens.min(brought.query.tokens()))
        };
        self.brought.iter().map(first).collect()
    }

    /// The first tokens of a layer, on the host.
    ///
    /// # Errors
    /// If the device fails.
    pub fn bring(&self, layer: usize, tokens: usize) -> Result<Qkv, GpuError> {
        let mut brought = self.brought[layer].lock().unwrap_or_else(PoisonError::into_inner);
        let before = brought.query.tokens();
        if before < tokens {
            let gone = || GpuError::Driver("what was kept there is gone".to_owned());
            let kept = self.kept().ok_or_else(gone)?;
            let qkv = &mut *brought;
            self.apart(|bridge, by| {
                let rows = kept.read(&bridge.device, layer, before..tokens, by)?;
                bridge.append(qkv, rows);
                Ok(())
            })?;
        }
        Ok(brought.prefix(tokens))
    }

    /// Takes the rows of a layer from `first` on, \[n, layer_stride\], which a pass has brought.
    ///
    /// # Errors
    /// If the device fails to give those before them.
    pub fn take(&self, layer: usize, first: usize, rows: &[f32]) -> Result<(), GpuError> {
        let mut qkv = self.bring(layer, first)?;
        self.bridge.append(&mut qkv, rows);
        *self.brought[layer].lock().unwrap_or_else(PoisonError::into_inner) = qkv;
        Ok(())
    }

    /// Brings all that captures may ask for to the host, and gives the device its memory back.
    ///
    /// # Errors
    /// If the device fails: then it is gone for them.
    pub fn leave(&self) -> Result<(), GpuError> {
        let brought = (0..self.brought.len()).try_for_each(|layer| self.bring(layer, self.used()).map(drop));
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
        brought
    }

    /// Works with page-locked memory for all tokens of a layer, on a thread that has nothing else to do: whoever waits here
    /// may be one of rayon's, and would take up work that waits for the same layer.
    fn apart<R: Send>(
        &self,
        work: impl FnOnce(&Bridge, &mut HostBuffer) -> Result<R, GpuError> + Send,
    ) -> Result<R, GpuError> {
        static APART: LazyLock<Option<ThreadPool>> =
            LazyLock::new(|| ThreadPoolBuilder::new().num_threads(1).build().ok());
        let bridge = &*self.bridge;
        let work = || {
            let mut by = bridge.by.lock().unwrap_or_else(PoisonError::into_inner);
            let count = self.layer_bytes / size_of::<f32>();
            let by = with_room(&mut by, &bridge.device, count)?;
            match &*APART {
                Some(pool) => pool.install(|| work(bridge, by)),
                None => work(bridge, by),
            }
        };
        let failed = |_| GpuError::Driver("the copy to the host has failed".to_owned());
        thread::scope(|scope| scope.spawn(work).join()).map_err(failed)?
    }
}

/// Page-locked memory for so many values.
///
/// # Errors
/// If the system has none.
pub fn with_room<'b>(
    by: &'b mut Option<HostBuffer>,
    device: &Device,
    count: usize,
) -> Result<&'b mut HostBuffer, GpuError> {
    if by.as_ref().is_none_or(|by| by.len() < count) {
        // Before there are both.
        *by = None;
        *by = Some(device.host(count)?);
    }
    by.as_mut().ok_or(GpuError::OutOfMemory)
}

impl fmt::Debug for OnDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "layer {} of {} tokens, on a device", self.layer, self.tokens)
    }
}

impl Elsewhere for OnDevice {
    fn bring(&self) -> Result<Qkv, String> {
        let lost = |error| {
            format!("{error}; what it kept of this prompt is gone: run it again, or with --device cpu")
        };
        self.rows.bring(self.layer, self.tokens).map_err(lost)
    }

    fn memory(&self) -> (usize, usize) {
        (std::ptr::from_ref(&self.rows.brought[self.layer]).addr(), self.rows.layer_bytes)
    }
}
