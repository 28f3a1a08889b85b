// The kernels of one path, in the order of `struct kernels`.
static const struct kernels PATH(kernels) = {
  PATH(matmul), PATH(matmul_stored), PATH(rmsnorm), PATH(add), PATH(swiglu), PATH(softmax), PATH(exp), PATH(rotate), PATH(finite), PATH(exp64),
  PATH(mass), PATH(top),
};
