import Adapters
import Foundation
import StableDiffusion
import Testing

@Suite struct `The shape table` {
    @Test(arguments: [1, 4, 8, 16, 128])
    func `of SD 1.5 has 589,824 parameters for each rank`(rank: Int) throws {
        let table = try ShapeTable(ModelConfiguration.stableDiffusion1.adaptedLayers(rank: rank))
        #expect(table.count == 589_824 * rank)
        #expect(table.count == table.layers.reduce(0) { $0 + $1.parameterCount })
        #expect(table.entries.count == 2 * 264)
    }

    @Test(arguments: [(128, "144.0"), (8, "9.0")])
    func `predicts the size of a file in fp16`(rank: Int, mebibytes: String) throws {
        let table = try ShapeTable(ModelConfiguration.stableDiffusion1.adaptedLayers(rank: rank))
        #expect(String(format: "%.1f", Double(table.dataByteCount(as: .fp16)) / 1_048_576) == mebibytes)
        #expect(table.dataByteCount(as: .fp32) == 2 * table.dataByteCount(as: .bf16))
    }

    @Test func `places every number once, and each parameter group in one range`() throws {
        let table = try Fixtures.table("tiny-sd1")
        var end = 0
        for entry in table.entries {
            #expect(entry.offset == end)
            end = entry.range.upperBound
        }
        #expect(end == table.count)
        #expect(
            table.groups.map(\.group.description) == [
                "textEncoder lora_down", "textEncoder lora_up", "unet lora_down", "unet lora_up",
            ])
        #expect(table.groups.first?.range.lowerBound == 0)
        #expect(table.groups.last?.range.upperBound == table.count)
        for (one, next) in zip(table.groups, table.groups.dropFirst()) {
            #expect(one.range.upperBound == next.range.lowerBound)
        }
        for entry in table.entries {
            let group = try #require(table.groups.first { $0.group == entry.group })
            #expect(group.range.contains(entry.offset) && group.range.contains(entry.range.upperBound - 1))
        }
        #expect(table.entry(containing: table.count - 1)?.name == table.entries.last?.name)
        #expect(table.entry(containing: table.count) == nil)
    }

    @Test func `of the UNet alone has no group for the text encoder`() throws {
        let layers = ModelConfiguration.stableDiffusion1.adaptedLayers([.unet], rank: 2)
        #expect(try ShapeTable(layers).groups.map(\.group.part) == [.unet, .unet])
    }

    @Test func `survives being written as JSON, and its hash tells tables apart`() throws {
        let table = try Fixtures.table("tiny-sd1")
        let copy = try JSONDecoder().decode(ShapeTable.self, from: JSONEncoder().encode(table))
        #expect(copy == table)
        #expect(copy.hash == table.hash)
        #expect(table.hash.count == 64)
        #expect(try table.hash != Fixtures.table("tiny-sd1", rank: 4).hash)
        #expect(try table.hash != Fixtures.table("tiny-sd1", alpha: 1).hash)
        #expect(try table.hash != Fixtures.table("tiny-sd2").hash)
    }

    @Test func `takes an alpha of 0 for the rank, as kohya's scripts do`() throws {
        #expect(AdaptedLayer(part: .unet, path: "a", shape: [2, 2], rank: 8, alpha: 0).scale == 1)
    }

    @Test func `refuses what no adapter can be`() throws {
        func layer(_ path: String = "a", shape: [Int] = [3, 2], rank: Int = 1, alpha: Double = 1) -> AdaptedLayer {
            AdaptedLayer(part: .unet, path: path, shape: shape, rank: rank, alpha: alpha)
        }
        #expect(throws: AdapterError.nothingToAdapt) { try ShapeTable([]) }
        for rank in [0, -1, 4097, .max] {
            #expect(throws: AdapterError.rank(layer: "lora_unet_a", rank: rank)) { try ShapeTable([layer(rank: rank)]) }
        }
        for alpha in [-1, 1e-9, 1e5, .infinity] {
            #expect(throws: AdapterError.alpha(layer: "lora_unet_a", alpha: alpha)) {
                try ShapeTable([layer(alpha: alpha)])
            }
        }
        #expect(throws: AdapterError.self) { try ShapeTable([layer(alpha: .nan)]) }
        for shape in [[], [3], [3, 2, 1], [0, 2], [3, -2], [3, .max], [65537, 2], [3, 2, 3, .max]] {
            #expect(throws: AdapterError.layerShape(layer: "lora_unet_a", shape: shape)) {
                try ShapeTable([layer(shape: shape)])
            }
        }
        #expect(throws: AdapterError.duplicateLayer("lora_unet_a_b")) {
            try ShapeTable([layer("a.b"), layer("a_b")])
        }
        let huge = layer(shape: [65536, 65536, 65536, 65536], rank: 4096)
        #expect(throws: AdapterError.tooManyParameters) { try ShapeTable([huge]) }
    }

    @Test func `starts A uniform within one over the root of the fan-in, and B at zero`() throws {
        let table = try Fixtures.table("tiny-sd1", rank: 8)
        let weights = try table.initialWeights(uniform: uniform)
        for entry in table.entries {
            let numbers = weights[entry.range]
            if entry.group.half == .up {
                #expect(numbers.allSatisfy { $0 == 0 })
            } else {
                let bound = 1 / Float(entry.shape.dropFirst().reduce(1, *)).squareRoot()
                #expect(numbers.allSatisfy { abs($0) <= bound })
                #expect(numbers.contains { $0 < -bound / 2 } && numbers.contains { $0 > bound / 2 }, "\(entry.name)")
            }
        }
        #expect(try weights == table.initialWeights(uniform: uniform))
    }
}
