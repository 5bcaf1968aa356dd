package store

const childEnv = "REMATCH_STORE_CHILD"

func child() {}
