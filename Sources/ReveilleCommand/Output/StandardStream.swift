import Glibc

/// Standard output and error by write(2) alone: a command line that lives for milliseconds can't afford file handles.
enum StandardStream {
    /// Fills the places of those that were closed by whoever started us, so that no ledger or socket comes to lie there and gets what is
    /// meant for people. What is written to them still fails.
    static func occupy() {
        for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 { _ = open("/dev/null", O_RDONLY) }
    }

    /// Writes all of it, waiting where the reader is slow.
    ///
    /// - Returns: false with `errno` set where it can't be written.
    static func write(_ text: String, to descriptor: Int32) -> Bool {
        var text = text
        return text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    /// Writes all bytes, as for a text.
    static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(descriptor, base, rest.count)
            if count >= 0 {
                rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
            } else if errno == EAGAIN {
                // Somebody made it non-blocking, for us too.
                var wish = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                poll(&wish, 1, -1)
            } else if errno != EINTR {
                return false
            }
        }
        return true
    }
}
