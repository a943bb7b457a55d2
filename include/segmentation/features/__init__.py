"""One row of features a customer and date, in SQL, and the gate on them."""
