import Glibc
import RunStates

/// To whom a new file belongs: an agent must still be able to read and write what root, or an operator, changed.
enum Ownership {
    /// Makes an open file like the one that it is to replace: owner, group and mode.
    ///
    /// - Throws: ``RunStates/RunStateError`` where the owner can't be kept: then the owner would be shut out.
    static func keep(of before: RunStateFile.Mark, on file: Int32, _ name: RunStateFile) throws(RunStateError) {
        var fresh = stat()
        guard fstat(file, &fresh) == 0 else { throw name.failure("can't be changed", errno) }
        var mode = before.mode & 0o777
        if fresh.st_uid != before.owner || fresh.st_gid != before.group, fchown(file, before.owner, before.group) != 0 {
            guard fresh.st_uid == before.owner else {
                throw RunStateError(
                    .unavailable,
                    "'\(name.path)' belongs to user \(before.owner), and a change by user \(geteuid()) would take it away",
                    hint: "Call as user \(before.owner), or as root; the old file is as it was.")
            }
            // What the old group might read is nothing for ours.
            mode &= ~0o070
        }
        guard fchmod(file, mode) == 0 else { throw name.failure("can't be changed", errno) }
    }

    /// Gives an open file that root made anew to the owner of its folder.
    static func adopt(_ file: Int32, in folder: String) {
        var around = stat()
        guard geteuid() == 0, stat(folder, &around) == 0, around.st_uid != 0 else { return }
        _ = fchown(file, around.st_uid, around.st_gid)
    }
}
