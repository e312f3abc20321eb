//! Core dumps: a copy of the process's memory would have tokens and keys in clear text.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Forbids core dumps of this process. On Linux also those that the kernel gives to a program
/// (`kernel.core_pattern` with a pipe), which ignore the limit; other processes of the same user
/// can then not read this one's memory either.
pub fn forbid() {
    set(Some(0), false);
}

/// Allows core dumps again, up to the limit that the process was started with.
pub fn allow() {
    set(getrlimit(Resource::Core).maximum, true);
}

fn set(size: Option<u64>, dumpable: bool) {
    let limit = Rlimit { current: size, ..getrlimit(Resource::Core) };
    // Both can only fail for arguments that are not used here.
    let _ = setrlimit(Resource::Core, limit);
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let behavior = if dumpable { DumpableBehavior::Dumpable } else { DumpableBehavior::NotDumpable };
        let _ = set_dumpable_behavior(behavior);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = dumpable;
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    use super::*;

    #[test]
    fn a_process_is_dumpable_only_if_it_is_allowed() {
        forbid();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert_eq!(getrlimit(Resource::Core).current, Some(0));
        allow();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::Dumpable);
    }
}
