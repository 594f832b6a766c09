// Stands before libzmq's own zmq_msg_send, also for libzmq itself, and leaves errno as it was when it succeeds.
//
// libzmq (4.3.4, and its newest source) sets errno for a message that cannot be decrypted, and then tells the socket's monitor,
// by this function (curve_mechanism_base_t::decode, socket_base_t::monitor_event). Its own leaves EAGAIN there, from which the
// engine takes it that nobody fetches the connection's messages: it reads no more of them, and never closes it.
#define _GNU_SOURCE
#include "CZeroMQ.h"

#include <dlfcn.h>

static int (*libzmq_msg_send)(zmq_msg_t *, void *, int);

__attribute__((constructor)) static void find_libzmq(void) {
    *(void **)&libzmq_msg_send = dlsym(RTLD_NEXT, "zmq_msg_send");
}

int zmq_msg_send(zmq_msg_t *message, void *socket, int flags) {
    if (!libzmq_msg_send) {
        errno = ENOTSUP;
        return -1;
    }
    int before = errno;
    int sent = libzmq_msg_send(message, socket, flags);
    if (sent >= 0) errno = before;
    return sent;
}
