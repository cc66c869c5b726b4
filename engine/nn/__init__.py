"""Networks: loading, preprocessing, embedding, the head. Takes and returns arrays; knows no store. The only home of torch."""
