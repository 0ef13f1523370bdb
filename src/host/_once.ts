/** `compute`, called at the first use and never again. */
export function once<Value>(compute: () => Value): () => Value {
  let cell: { readonly value: Value } | undefined;
  return () => {
    cell ??= { value: compute() };
    return cell.value;
  };
}

/** The same for a function of one argument: called once for each key. */
export function perKey<Key, Value>(compute: (key: Key) => Value): (key: Key) => Value {
  const cells = new Map<Key, Value>();
  return (key) => {
    const known = cells.get(key);
    if (known !== undefined || cells.has(key)) return known as Value;
    const value = compute(key);
    cells.set(key, value);
    return value;
  };
}
