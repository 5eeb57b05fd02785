//! Which device there is, what it is called, and how much memory it has left.

use candle_core::{DType, Device};
use cudarc::driver::CudaContext;

use super::{DeviceChoice, ModelError, Precision};

/// A CUDA device, as its driver reports it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CudaDevice {
    /// Its index, counted from zero.
    pub ordinal: usize,
    /// The product's name.
    pub name: String,
    /// Bytes that are free.
    pub free_bytes: u64,
    /// Bytes it has.
    pub total_bytes: u64,
}

/// The CUDA devices of this machine, whether or not this build can compute on them; none without a driver.
pub fn cuda_devices() -> Vec<CudaDevice> {
    if !has_cuda_driver() {
        return Vec::new();
    }
    let count = CudaContext::device_count().unwrap_or(0);
    (0..usize::try_from(count).unwrap_or(0)).filter_map(cuda_device).collect()
}

fn cuda_device(ordinal: usize) -> Option<CudaDevice> {
    let context = CudaContext::new(ordinal).ok()?;
    let (free, total) = context.mem_get_info().ok()?;
    Some(CudaDevice {
        ordinal,
        name: context.name().ok()?,
        free_bytes: free as u64,
        total_bytes: total as u64,
    })
}

/// Without a driver cudarc's first call would panic.
#[cfg(not(feature = "cuda"))]
fn has_cuda_driver() -> bool {
    // SAFETY: opens and closes the driver's library by name, as every later call of cudarc does; loading it
    // runs only the vendor's own initialisers.
    #[allow(unsafe_code)]
    unsafe {
        cudarc::driver::sys::is_culib_present()
    }
}

/// Linked against the driver, the program would not have started without it.
#[cfg(feature = "cuda")]
fn has_cuda_driver() -> bool {
    true
}

/// What computes a model.
#[derive(Debug, Clone)]
pub enum Place {
    /// The CPU, or a device that candle computes on.
    Candle(Device),
    /// A CUDA device with our kernels.
    Cuda {
        /// Its index.
        ordinal: usize,
        /// Whether the CPU takes what the device can't: nobody asked for this one.
        or_cpu: bool,
    },
}

impl Place {
    /// Where candle's tensors are: beside our kernels, on the CPU.
    pub fn device(&self) -> Device {
        match self {
            Self::Candle(device) => device.clone(),
            Self::Cuda { .. } => Device::Cpu,
        }
    }

    /// `cpu`, `cuda:0`, `metal`.
    pub fn label(&self) -> String {
        match self {
            Self::Candle(device) => match device.location() {
                candle_core::DeviceLocation::Cpu => "cpu".to_owned(),
                candle_core::DeviceLocation::Cuda { gpu_id } => format!("cuda:{gpu_id}"),
                candle_core::DeviceLocation::Metal { .. } => "metal".to_owned(),
            },
            Self::Cuda { ordinal, .. } => format!("cuda:{ordinal}"),
        }
    }

    /// What helps a model that it has no room for.
    pub fn way_out(&self) -> &'static str {
        match self {
            Self::Cuda { or_cpu: false, .. } => {
                "use --device auto, which leaves to the CPU what the GPU has no room for, or --device cpu"
            }
            Self::Candle(device) if !device.is_cpu() => "choose a smaller model, or use --device cpu",
            Self::Candle(_) | Self::Cuda { or_cpu: true, .. } => "choose a smaller model, or close something",
        }
    }

    /// Bytes that a model may take there; `None` where the system doesn't say.
    pub fn free_bytes(&self) -> Option<u64> {
        let cuda = |ordinal| cuda_device(ordinal).map(|device| device.free_bytes);
        match self {
            Self::Candle(device) => match device.location() {
                candle_core::DeviceLocation::Cpu => free_host_bytes(),
                candle_core::DeviceLocation::Cuda { gpu_id } => cuda(gpu_id),
                candle_core::DeviceLocation::Metal { .. } => None,
            },
            Self::Cuda { ordinal, or_cpu: false } => cuda(*ordinal),
            Self::Cuda { ordinal, or_cpu: true } => cuda(*ordinal).max(free_host_bytes()),
        }
    }
}

/// Opens the device that was asked for.
///
/// # Errors
/// If this build or this machine doesn't have it.
pub fn open(choice: DeviceChoice) -> Result<Place, ModelError> {
    let candle = |device| Ok(Place::Candle(device));
    match choice {
        DeviceChoice::Cpu => candle(Device::Cpu),
        DeviceChoice::Auto if cfg!(feature = "cuda") && !cuda_devices().is_empty() => {
            open(DeviceChoice::Cuda(0))
        }
        DeviceChoice::Auto if cfg!(feature = "metal") => open(DeviceChoice::Metal).or(candle(Device::Cpu)),
        DeviceChoice::Auto if cfg!(not(feature = "cuda")) && !cuda_devices().is_empty() => {
            Ok(Place::Cuda { ordinal: 0, or_cpu: true })
        }
        DeviceChoice::Auto => candle(Device::Cpu),
        DeviceChoice::Cuda(ordinal) => open_cuda(ordinal),
        DeviceChoice::Metal if cfg!(feature = "metal") => candle(Device::new_metal(0)?),
        DeviceChoice::Metal => Err(ModelError::Invalid(
            "this build has no Metal: build with --features metal, or use --device cpu".to_owned(),
        )),
    }
}

fn open_cuda(ordinal: usize) -> Result<Place, ModelError> {
    let devices = cuda_devices();
    if !devices.iter().any(|device| device.ordinal == ordinal) {
        let found = match devices.len() {
            0 => "no CUDA device".to_owned(),
            n => format!("no CUDA device {ordinal}: there are {n}, counted from 0"),
        };
        return Err(ModelError::Invalid(format!("{found}: use --device cpu")));
    }
    Ok(match cfg!(feature = "cuda") {
        true => Place::Candle(Device::new_cuda(ordinal)?),
        false => Place::Cuda { ordinal, or_cpu: false },
    })
}

/// What dense weights become at a place.
///
/// # Errors
/// If nothing computes in that precision there.
pub fn dtype(precision: Precision, place: &Place) -> Result<DType, ModelError> {
    let is_cpu = place.device().is_cpu();
    match (precision, place) {
        (Precision::Auto, _) if is_cpu => Ok(DType::F32),
        (Precision::F32, _) => Ok(DType::F32),
        (_, Place::Cuda { or_cpu: false, .. }) => Err(ModelError::Invalid(
            "weights stay on the GPU as they are stored, and results are those of f32: leave --dtype out"
                .to_owned(),
        )),
        _ if is_cpu => Err(ModelError::Invalid("the CPU computes in f32: leave --dtype out".to_owned())),
        (Precision::Auto | Precision::Bf16, _) => Ok(DType::BF16),
        (Precision::F16, _) => Ok(DType::F16),
    }
}

/// What the kernel says can be had without swapping, and what the control group still allows.
fn free_host_bytes() -> Option<u64> {
    let free = available(&std::fs::read_to_string("/proc/meminfo").ok()?)?;
    Some(free.min(control_group_free_bytes().unwrap_or(u64::MAX)))
}

fn control_group_free_bytes() -> Option<u64> {
    let read = |file: &str| std::fs::read_to_string(format!("/sys/fs/cgroup/memory.{file}")).ok();
    let limit: u64 = read("max")?.trim().parse().ok()?;
    let used: u64 = read("current")?.trim().parse().ok()?;
    Some(limit.saturating_sub(used.saturating_sub(file_cache(&read("stat")?))))
}

/// Pages of files count as used, but give way.
fn file_cache(stat: &str) -> u64 {
    let value = |line: &str| line.split_once(' ').and_then(|(_, bytes)| bytes.parse::<u64>().ok());
    let is_file = |line: &&str| line.starts_with("active_file ") || line.starts_with("inactive_file ");
    stat.lines().filter(is_file).filter_map(value).sum()
}

fn available(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix(" kB")?.parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_estimate() {
        let text = "MemTotal:       24684176 kB\nMemAvailable:   20000000 kB\n";
        assert_eq!(available(text), Some(20_480_000_000));
        assert_eq!(available("MemTotal: 1 kB"), None);
        assert_eq!(file_cache("anon 5\nfile 9\ninactive_file 3\nactive_file 4\n"), 7);
    }

    #[test]
    fn a_machine_without_a_driver_has_no_device() {
        if cuda_devices().is_empty() {
            let error = open(DeviceChoice::Cuda(0)).unwrap_err().to_string();
            assert!(error.contains("no CUDA device"), "{error}");
        }
        assert_eq!(open(DeviceChoice::Cpu).unwrap().label(), "cpu");
    }
}
