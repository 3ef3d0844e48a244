package nn

import (
	"fmt"
	"iter"
	"reflect"
	"strconv"

	"github.com/chiasm/chiasm/tensor"
)

// Params walks over the parameters of a model, a pointer to a struct of parameters and layers, in the order of its fields, with the
// name of each in a checkpoint. Everything that needs a model's parameters uses this walk.
func Params(model any) iter.Seq2[string, *tensor.Tensor] {
	return func(yield func(string, *tensor.Tensor) bool) {
		walk(reflect.ValueOf(model), "", yield)
	}
}

// Count is the number of values in a model's parameters.
func Count(model any) (n int) {
	for _, t := range Params(model) {
		n += t.Len()
	}
	return n
}

// Release gives back what a model's parameters hold. No pass may be using them.
func Release(model any) {
	for _, t := range Params(model) {
		t.Release()
	}
}

var tensorType = reflect.TypeFor[*tensor.Tensor]()

func walk(v reflect.Value, name string, yield func(string, *tensor.Tensor) bool) bool {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return true
		}
		if v.Type() == tensorType {
			return yield(name, v.Interface().(*tensor.Tensor))
		}
		return walk(v.Elem(), name, yield)
	case reflect.Slice:
		for i := range v.Len() {
			if !walk(v.Index(i), join(name, strconv.Itoa(i)), yield) {
				return false
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			field := v.Type().Field(i)
			key, ok := field.Tag.Lookup("weight")
			if !ok {
				continue
			}
			if !field.IsExported() {
				panic(fmt.Sprintf("nn: field %s.%s has a weight tag and is not exported", v.Type(), field.Name))
			}
			if !walk(v.Field(i), join(name, key), yield) {
				return false
			}
		}
	default:
		panic(fmt.Sprintf("nn: %s of kind %s cannot hold parameters", name, v.Kind()))
	}
	return true
}

// join adds a key to a name; an empty key adds nothing, so that a struct may group layers that the checkpoint does not.
func join(name, key string) string {
	if name == "" || key == "" {
		return name + key
	}
	return name + "." + key
}
