import Testing

@testable import LedgerSQLite

@Suite("Work on all cores")
struct AllCoresTests {
    @Test(
        "each part is done once and comes back in its place, however soon a thread outlives the call",
        arguments: [0, 1, 2, 7, 500])
    func order(count: Int) {
        for _ in 0..<200 { #expect(AllCores.map(count) { $0 * 2 } == (0..<count).map { $0 * 2 }) }
    }
}
