// Whether this thread is within the backward pass of a checkpoint.
#pragma once

struct Recomputing {
    static thread_local int depth;

    Recomputing() { depth++; }
    ~Recomputing() { depth--; }
    Recomputing(const Recomputing &) = delete;
    Recomputing &operator=(const Recomputing &) = delete;
};
