import Layers
import Testing

@Suite struct `Room in memory` {
    @Test func `is what the kernel says can be had without swapping`() throws {
        let text = "MemTotal:       24576000 kB\nMemFree:          100000 kB\nMemAvailable:    9000000 kB\n"
        #expect(
            MemoryFigures(meminfo: text) == MemoryFigures(available: 9_000_000 * 1024, total: 24_576_000 * 1024))
        #expect(MemoryFigures(meminfo: "MemTotal: 5 kB\n") == nil)
        #expect(MemoryFigures(meminfo: "") == nil)
    }

    @Test func `of a control group is its limit, less what is in use`() {
        let statistics = "anon 700\nfile 300\ninactive_file 200\nactive_file 100\n"
        #expect(
            MemoryFigures(limit: "4000\n", current: "1000\n", statistics: statistics)
                == MemoryFigures(available: 3200, total: 4000))
        #expect(MemoryFigures(limit: "max\n", current: "1000\n", statistics: statistics) == nil)
        #expect(MemoryFigures(limit: "", current: "", statistics: "") == nil)
    }

    @Test func `is found on this box, and has an end`() throws {
        let figures = try #require(MemoryFigures.ofThisBox())
        #expect(figures.available > 0 && figures.available <= figures.total)
        #expect(MemoryRoom.ofThisBox.has(0) == (figures.available > figures.total / 8))
        #expect(!MemoryRoom.ofThisBox.has(figures.total))
    }
}
