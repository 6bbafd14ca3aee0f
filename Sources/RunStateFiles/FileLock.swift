import Glibc
import RunStates

/// The lock that our own changes of one run state hold, in a file beside it. It ends with its process; the file stays.
struct FileLock {
    // Linux's number, which the C library shows only to programs that ask for GNU extensions.
    private static let set: Int32 = 37  // F_OFD_SETLK
    private static let pauseMicroseconds: UInt32 = 5_000

    private let descriptor: Int32

    /// Takes it.
    ///
    /// - Parameters:
    ///   - file: the run state.
    ///   - patienceMilliseconds: how long somebody else's change is waited for: one takes milliseconds, and a program that was stopped
    ///     in the middle of its own must not stop everybody else for ever.
    /// - Throws: ``RunStates/RunStateError`` `conflict` where it is still held then.
    init(beside file: RunStateFile, patienceMilliseconds: Int = 10_000) throws(RunStateError) {
        let target = RunStateFile(try file.resolved())
        let path = "\(target.folder)/.\(target.name).lock"
        let isNew = access(path, F_OK) != 0
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
        guard descriptor >= 0 else { throw file.failure("can't be changed", errno) }
        if isNew { Ownership.adopt(descriptor, in: target.folder) }
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        var triesLeft = patienceMilliseconds * 1_000 / Int(Self.pauseMicroseconds)
        while withUnsafeMutablePointer(to: &request, { fcntl(descriptor, Self.set, $0) }) == -1 {
            let code = errno
            triesLeft -= 1
            if [EINTR, EAGAIN, EACCES].contains(code), triesLeft > 0 {
                usleep(Self.pauseMicroseconds)
                continue
            }
            close(descriptor)
            guard triesLeft > 0 else {
                throw RunStateError(
                    .conflict, "'\(file.path)' is being changed by another program, which does not come to an end",
                    hint: "See who holds its lock: fuser -v '\(path)'")
            }
            throw file.failure("can't be locked", code)
        }
    }

    func release() { close(descriptor) }
}
