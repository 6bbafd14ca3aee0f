/// A file with a token and nothing else, refused unless nobody but its owner can read it.
struct TokenFile {
    let path: String
    /// Whether systemd made it: its mode is then systemd's business, but not other people's.
    let isCredential: Bool
    /// The user that we are.
    let userID: UInt32
    /// What must be in it, in words.
    let content: String
    let maximumBytes: Int

    static func discord(_ path: String, isCredential: Bool, userID: UInt32) -> TokenFile {
        TokenFile(
            path: path, isCredential: isCredential, userID: userID, content: "the bot token",
            maximumBytes: DiscordToken.fileMaximumBytes)
    }

    /// The text of the file. A symbolic link is followed; what it leads to is what is judged.
    func read() throws(ConfigurationProblem) -> String {
        let bytes: [UInt8]
        do {
            bytes = try BoundedFile.read(path, maximumBytes: maximumBytes, check: check)
        } catch let problem as ConfigurationProblem {
            throw problem
        } catch let fault as BoundedFile.Fault {
            throw unreadable(fault)
        } catch {
            throw problem(.fileUnreadable, "can't be read")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw problem(.tokenMalformed, "is not text", "put \(content) into it, and nothing else")
        }
        return text
    }

    private func check(_ ownership: BoundedFile.Ownership) throws(ConfigurationProblem) {
        let mode = String(ownership.mode, radix: 8)
        let shownMode = String(repeating: "0", count: max(0, 4 - mode.count)) + mode
        // With ACLs, as systemd uses for credentials, the group bits are the mask and say nothing about a group.
        let forbidden: UInt32 = isCredential ? 0o007 : 0o077
        guard ownership.mode & forbidden == 0 else {
            throw problem(.tokenExposed, "others can read this token file: its mode is \(shownMode)", "chmod 600 \(quotedPath)")
        }
        guard ownership.userID == userID || ownership.userID == 0 else {
            throw problem(
                .tokenExposed, "this token file belongs to user \(ownership.userID), and only user \(userID) or root may own it",
                "chown \(userID) \(quotedPath)")
        }
    }

    private func unreadable(_ fault: BoundedFile.Fault) -> ConfigurationProblem {
        switch fault {
        case .absent:
            problem(.tokenMissing, "there is no such token file", "create it with \(content) in it, or correct the path")
        case .tooLarge:
            problem(
                .tokenMalformed, "is over \(maximumBytes) bytes long and can't be a token file",
                "put \(content) into it, and nothing else")
        default:
            problem(.fileUnreadable, "this token file \(fault.words)", "chown \(userID) \(quotedPath) && chmod 600 \(quotedPath)")
        }
    }

    private func problem(_ code: ConfigurationProblem.Code, _ message: String, _ hint: String? = nil) -> ConfigurationProblem {
        let origin: ConfigurationOrigin = isCredential ? .credential(path) : .file(path: path, position: nil)
        return ConfigurationProblem(code, origin: origin, message: message, hint: hint)
    }

    private var shownPath: String { ShownText.escaped(path, maximumCharacters: ShownText.pathMaximumCharacters) }

    /// The path as a shell wants it.
    private var quotedPath: String {
        let isPlain = path.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x61...0x7A).contains($0 | 0x20) || "/._-".utf8.contains($0)
        }
        return isPlain
            ? shownPath
            : "'"
                + ShownText.escaped(path, maximumCharacters: ShownText.pathMaximumCharacters).split(
                    separator: "'", omittingEmptySubsequences: false
                ).joined(separator: "'\\''") + "'"
    }
}
