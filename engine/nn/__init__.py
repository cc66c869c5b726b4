"""Networks: loading, preprocessing, embedding, the head. Takes and returns arrays; the only home of torch."""
