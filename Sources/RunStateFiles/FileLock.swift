import Glibc
import RunStates

/// The lock that our own changes of one run state hold, in a file beside it. It ends with its process; the file stays.
struct FileLock {
    // Linux's number, which the C library shows only to programs that ask for GNU extensions.
    private static let setAndWait: Int32 = 38  // F_OFD_SETLKW

    private let descriptor: Int32

    init(beside file: RunStateFile) throws(RunStateError) {
        let target = RunStateFile(try file.resolved())
        descriptor = open("\(target.folder)/.\(target.name).lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw file.failure("can't be changed", errno) }
        var request = flock()
        request.l_type = Int16(F_WRLCK)
        request.l_whence = Int16(SEEK_SET)
        while withUnsafeMutablePointer(to: &request, { fcntl(descriptor, Self.setAndWait, $0) }) == -1 {
            guard errno == EINTR else {
                let code = errno
                close(descriptor)
                throw file.failure("can't be locked", code)
            }
        }
    }

    func release() { close(descriptor) }
}
