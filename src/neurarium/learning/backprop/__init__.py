"""Error back-propagation by hand: a forward/backward pair of tensor functions for each layer, no autograd inside.

A layer computes y = f(x; theta) from its input x and its parameters theta. The *error signal* of a tensor is the
derivative of the loss L to it. Every rule is a pair of pure functions of one shape:

    x_forward(x, theta ...)    -> (y, cache)                   the cache holds what the way back needs, no more
    x_backward(delta, cache)   -> dL/dx, dL/dtheta ...         delta = dL/dy comes in, dL/dx goes out, the gradients
                                                               of the parameters beside, in the order of the forward

Both derivatives are the transposed Jacobian times the error signal, dL/dx = (dy/dx)^T delta; no Jacobian is ever built.
Pairs with parameters take `to_input=False` where nobody below wants dL/dx, which is None then.

| file | layer |
|---|---|
| `linear`, `convolution`, `embedding` | y = x W^T + b; sliding kernels over one to three axes; a row for each token |
| `elementwise`, `softmax`, `dropout` | ReLU, sigmoid, tanh and any other with a derivative; softmax; random zeros |
| `pooling`, `time_delay` | largest and mean of each window; z^-1 |
| `normalization` | layer norm and batch norm |
| `attention` | scaled dot-product attention |
| `elman`, `lstm` | recurrent layers over a whole sequence, back through time |
| `losses` | softmax with cross-entropy, squared error: where the first error signal comes from |
| `chain` | layers one after another: a net that learns without autograd; `chain_of` makes one of an `nn.Module` |
| `worked_example` | the example of the lecture, every number |

Source: D. Rumelhart, G. Hinton, R. Williams, "Learning representations by back-propagating errors", 1986.
"""
