import Foundation
import GRDB
import GRDBSQLite
import ProgramSupport
import Testing

@testable import Journal

@Suite struct `A journal that is looked at again and again` {
    /// The instructions that SQLite's machine goes through for a question.
    private func cost(_ reader: JournalReader, _ question: (JournalReader) throws -> Void) throws -> Int {
        let count = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        count.initialize(to: 0)
        defer { count.deallocate() }
        reader.database.inDatabase { database in
            sqlite3_progress_handler(
                database.sqliteConnection, 1,
                { count in
                    count?.assumingMemoryBound(to: Int.self).pointee += 1
                    return 0
                }, count)
        }
        defer { reader.database.inDatabase { sqlite3_progress_handler($0.sqliteConnection, 0, nil, nil) } }
        try question(reader)
        return count.pointee
    }

    @Test func `costs as much with 200,000 steps as with ten`() throws {
        let desk = try Desk()
        let writer = try desk.writer()
        for step in 0..<10 { writer.write(.step(Desk.step(step))) }
        try writer.flush()
        func costs(_ last: Int) throws -> (pulse: Int, step: Int, work: Int, overview: Int) {
            let reader = try desk.reader()
            #expect(try reader.pulse().lastStep == last)
            return try (
                cost(reader) { _ = try $0.pulse() }, cost(reader) { _ = try $0.buckets(from: last, stride: 1) },
                cost(reader) { _ = try $0.work(in: last - 5...last) }, cost(reader) { _ = try $0.overview() }
            )
        }
        let few = try costs(9)
        try lengthenJournal(of: desk.folder, to: 10..<200_000)
        let many = try costs(199_999)
        #expect(few.pulse > 50 && many.pulse < few.pulse * 2, "\(few), \(many)")
        #expect(many.step < few.step * 2 && many.work < few.work * 2)
        #expect(many.overview > 200_000, "what counts all steps is not what is asked again and again")
    }
}
