/// What a method asks of its caller.
enum Scope: String {
    case read = "operator.read"
    case write = "operator.write"
    case admin = "operator.admin"

    /// Whether someone with these scopes may: admin may all, and who may write may read.
    func isGranted(by scopes: Set<String>) -> Bool {
        if scopes.contains(Scope.admin.rawValue) || scopes.contains(rawValue) { return true }
        return self == .read && scopes.contains(Scope.write.rawValue)
    }
}
