import Foundation
import Testing

/// The 25 cases that a reliable cluster must pass, and the tests that show it: a test of case 7 is called `Case 7: …`,
/// wherever it is at home.
@Suite struct `The bar of reliability` {
    private static let cases = [
        "a worker is killed in the middle of a gradient",
        "the owner of a shard is killed in the middle of a reduction",
        "the coordinator is killed between the optimizer and the broadcast",
        "the coordinator is killed while it writes a checkpoint, at every byte",
        "the disk is full, broken or read-only",
        "a half-open connection: the cable is pulled",
        "a worker stands still for ten seconds and goes on",
        "a trainer hangs while its connections live",
        "a partition that is passable one way",
        "two coordinators or two runs on one port",
        "two coordinators of one run",
        "two workers with one name or key",
        "a worker with another model, data set, adapter or version",
        "a worker whose weights have the wrong hash",
        "a gradient that is not finite",
        "a gradient that is finite but absurd",
        "replayed, duplicated, reordered and stale gradients",
        "a payload that is corrupted on the way",
        "oversize, truncated and random frames, and a million small ones",
        "connections that say nothing, half a handshake, or little by little; no descriptors left",
        "a client without a key, or with an unknown one",
        "clocks that are wrong or jump; suspend and resume",
        "a very slow or lossy link",
        "a storm of deaths and births, coordinators included",
        "SIGTERM and SIGINT, drain, pause, resume, all workers gone and back",
    ]

    /// The names of all tests that say which case they are of, and that are run and do something.
    private static let tests = Result<[Int: [String]], any Error> {
        let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let files =
            FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?
            .compactMap { $0 as? URL }.filter { $0.pathExtension == "swift" } ?? []
        var found: [Int: [String]] = [:]
        for file in files.sorted(by: { $0.path < $1.path }) where file.lastPathComponent != "BarTests.swift" {
            let target = file.deletingLastPathComponent().lastPathComponent
            for (number, name) in cases(in: try String(contentsOf: file, encoding: .utf8)) {
                found[number, default: []].append("\(target): \(name)")
            }
        }
        return found
    }

    /// The tests of cases in the text of a file: those that Swift Testing knows as tests, that are not disabled, whose
    /// suite is not, and that have a statement.
    static func cases(in text: String) -> [(number: Int, name: String)] {
        let code = text.replacing(/(?m)^\s*\/\/.*$/, with: "").replacing(/(?s)\/\*.*?\*\//, with: "")
        let isSuiteDisabled = code.contains(/@Suite\([^\n{]*\.disabled/)
        let test =
            #/
            @Test (?<traits> (?: (?! func\s | @Test ) . )* ) func\s`Case\s(?<number> \d+ ):\s(?<name> [^`]+ )`
            [^{]* \{ \s* (?<first> \S )
            /#.dotMatchesNewlines()
        return isSuiteDisabled
            ? []
            : code.matches(of: test).filter { match in
                !match.traits.contains(/\.disabled|\.enabled\(if: *false/) && match.first != "}"
            }.map { (Int($0.number) ?? 0, String($0.name)) }
    }

    @Test func `is not passed by a test that is disabled, empty, commented out, or none at all`() {
        let good = "@Test(.serialized) func `Case 7: sleeps`() async throws { try sleep() }"
        #expect(Self.cases(in: good).map(\.number) == [7])
        #expect(Self.cases(in: good + "\n    " + good).count == 2)
        for bad in [
            "func `Case 7: is no test`() { try sleep() }", "// " + good, "/* \(good) */",
            "@Test(.disabled(\"flaky\")) func `Case 7: sleeps`() { try sleep() }",
            "@Test(.enabled(if: false)) func `Case 7: sleeps`() { try sleep() }",
            "@Test func `Case 7: sleeps`() {}", "@Test func `Case 7: sleeps`() throws {\n    // later\n}",
            "@Suite(.disabled(\"flaky\")) struct S {\n\(good)\n}",
        ] {
            #expect(Self.cases(in: bad).isEmpty, "\(bad)")
        }
    }

    @Test(arguments: 1...25) func `has a test for case`(number: Int) throws {
        let tests = try Self.tests.get()[number] ?? []
        #expect(!tests.isEmpty, "case \(number), \(Self.cases[number - 1]), has no test")
    }

    @Test func `has no cases beyond these`() throws {
        #expect(try Self.tests.get().keys.allSatisfy((1...Self.cases.count).contains))
    }

    @Test func `has its costs in the README, fault by fault`() throws {
        #expect(try FaultTable.split().rows.map(\.0) == Fault.allCases.map(\.rawValue))
    }
}
