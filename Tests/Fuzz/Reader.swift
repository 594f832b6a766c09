import ContentStore
import Foundation
import Recipe
import Safetensors
import Wire
import ZeroMQ

/// Everything of Danlu that reads bytes nobody vouches for, by the letter that chooses it.
///
/// Each may refuse what it is given, by its own error; what it accepts must say the same when it is written and read again.
enum Reader: UInt8, CaseIterable {
    case rawHeader = 0x72  // r
    case sealedHeader = 0x68  // h
    case workerMessage = 0x77  // w
    case coordinatorMessage = 0x63  // c
    case operation = 0x6F  // o
    case contentRequest = 0x71  // q
    case gradient = 0x67  // g
    case packedFloats = 0x70  // p
    case authentication = 0x7A  // z
    case safetensors = 0x73  // s
    case recipe = 0x74  // t

    /// - Returns: whether the bytes were accepted.
    func read(_ bytes: UnsafeRawBufferPointer) -> Bool {
        switch self {
        case .rawHeader: attempt(WireError.self) { try readHeader(bytes) }
        case .sealedHeader: attempt(WireError.self) { try readSealedHeader(bytes) }
        case .workerMessage:
            attempt(WireError.self) {
                try readMessage(WorkerMessage.self, bytes, limit: Control.workerLimit) { $0.look() }
            }
        case .coordinatorMessage:
            attempt(WireError.self) {
                try readMessage(CoordinatorMessage.self, bytes, limit: Control.coordinatorLimit) { $0.look() }
            }
        case .operation:
            attempt(WireError.self) {
                try readMessage(OperationRequest.self, bytes, limit: OperationRequest.limit) { _ in }
            }
        case .contentRequest: attempt(WireError.self) { try readContentRequest(bytes) }
        case .gradient: attempt(WireError.self) { try readGradient(bytes) }
        case .packedFloats: attempt(WireError.self) { try readPackedFloats(bytes) }
        case .authentication: attempt(ZeroMQError.self) { try readAuthentication(bytes) }
        case .safetensors: attempt(SafetensorsProblem.self) { try readSafetensors(bytes) }
        case .recipe: attempt(RecipeError.self) { try readRecipe(bytes) }
        }
    }

    /// Has a refusal describe itself, since what is said of bad bytes is made of them.
    private func attempt<Refusal: Error & CustomStringConvertible>(
        _ refusal: Refusal.Type, _ read: () throws -> Void
    ) -> Bool {
        do {
            try read()
            return true
        } catch let error as Refusal {
            precondition(!error.description.isEmpty)
            return false
        } catch {
            preconditionFailure("refused by another error than its own: \(error)")
        }
    }
}
