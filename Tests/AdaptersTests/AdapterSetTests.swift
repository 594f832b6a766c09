import Adapters
import Layers
import Testing
import Torch

@Suite struct `The adapters of a model` {
    private static let layers = [
        AdaptedLayer(part: .textEncoder, path: "text_model.fc", shape: [5, 3], rank: 2, alpha: 1),
        AdaptedLayer(part: .unet, path: "block.0.to_q", shape: [4, 3], rank: 2, alpha: 4),
        AdaptedLayer(part: .unet, path: "block.0.conv", shape: [4, 3, 3, 3], rank: 1, alpha: 1),
        AdaptedLayer(part: .unet, path: "block.1.proj", shape: [4, 4, 1, 1], rank: 2, alpha: 2),
    ]

    private func set() throws -> AdapterSet {
        let table = try ShapeTable(Self.layers)
        return try AdapterSet(table, floats: uniform("weights", table.count))
    }

    private func load(_ floats: [Float], into set: AdapterSet) throws {
        try floats.withUnsafeBufferPointer { try set.load($0) }
    }

    @Test func `are views of one flat array`() throws {
        let set = try set()
        #expect(try set.floats() == uniform("weights", set.table.count))
        for (entry, leaf) in zip(set.table.entries, set.leaves) {
            #expect(try leaf.floats() == Array(uniform("weights", set.table.count)[entry.range]))
            #expect(leaf.requiresGradient)
        }
        let next = uniform("next", set.table.count)
        try load(next, into: set)
        for (entry, leaf) in zip(set.table.entries, set.leaves) {
            #expect(try leaf.floats() == Array(next[entry.range]))
        }
        #expect(throws: AdapterError.wrongCount(expected: set.table.count, actual: 1)) { try load([1], into: set) }
    }

    @Test func `give their gradients in the layout of their weights, zero where the loss does not reach`() throws {
        let set = try set()
        let x = try noise("x", [5, 3])
        let adapter = try #require(set.adapter(of: .unet, at: "block.0.to_q"))
        let weight = FrozenWeight(try noise("w", [4, 3]))
        let loss = try adapter.linear(x, weight: weight, bias: nil).sum()
        let gradient = try set.gradient(of: loss).floats()
        #expect(gradient.count == set.table.count)

        // By differences of the loss along each number of the layer: the loss is linear in each alone.
        let start = try set.floats()
        for entry in set.table.entries {
            guard set.table.layers[entry.layer].path == "block.0.to_q" else {
                #expect(gradient[entry.range].allSatisfy { $0 == 0 })
                continue
            }
            for index in entry.range {
                var moved = start
                moved[index] += 1
                try load(moved, into: set)
                let difference = try adapter.linear(x, weight: weight, bias: nil).sum().item() - loss.item()
                #expect(abs(difference - Double(gradient[index])) < 1e-4, "\(entry.name)[\(index - entry.offset)]")
            }
        }
    }

    @Test func `are found by the layers that they are for, and by no others`() throws {
        let set = try set()
        let plan = set.plan(for: .unet)
        #expect(try plan.adaptation(at: "block.0.to_q", shape: [4, 3]) === set.adapter(of: .unet, at: "block.0.to_q"))
        #expect(try plan.adaptation(at: "block.0.to_k", shape: [4, 3]) == nil)
        #expect(try set.plan(for: .textEncoder).adaptation(at: "block.0.to_q", shape: [4, 3]) == nil)
        #expect(throws: AdapterError.notPlaced(key: "lora_te_text_model_fc", others: 2, source: "the adapter")) {
            try set.requireAllPlaced()
        }
        #expect(
            throws: AdapterError.placedOnShape(key: "lora_unet_block_0_conv", wanted: [4, 3, 3, 3], found: [4, 3])
        ) { try plan.adaptation(at: "block.0.conv", shape: [4, 3]) }
        _ = try plan.adaptation(at: "block.0.conv", shape: [4, 3, 3, 3])
        _ = try plan.adaptation(at: "block.1.proj", shape: [4, 4])
        _ = try set.plan(for: .textEncoder).adaptation(at: "text_model.fc", shape: [5, 3])
        try set.requireAllPlaced()
    }

    @Test func `can be asked for by block`() throws {
        let set = try set()
        #expect(set.leaves(of: .unet, under: "block.0").count == 4)
        #expect(set.leaves(of: .unet, under: "block.0.conv").count == 2)
        #expect(set.leaves(of: .unet, under: "block").count == 6)
        #expect(set.leaves(of: .textEncoder, under: "block").isEmpty)
    }

    @Test func `are all switched off and on together`() throws {
        let set = try set()
        set.multiplier = 0
        let (x, weight) = (try noise("x", [5, 3]), FrozenWeight(try noise("w", [4, 3])))
        let adapter = try #require(set.adapter(of: .unet, at: "block.0.to_q"))
        #expect(try adapter.linear(x, weight: weight, bias: nil).floats() == linear(x, weight).floats())
        set.multiplier = 1
        #expect(try adapter.linear(x, weight: weight, bias: nil).floats() != linear(x, weight).floats())
    }
}
