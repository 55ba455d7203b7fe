package collect

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"google.golang.org/protobuf/encoding/protowire"
)

// protobufMagic starts every protobuf answer of the API server.
var protobufMagic = []byte("k8s\x00")

// errNotProtobuf is returned before anything was read when the answer is in another format.
var errNotProtobuf = errors.New("not a protobuf answer")

// The field numbers of runtime.Unknown, TypeMeta, ListMeta and of every List kind. Source: generated.proto
// of k8s.io/apimachinery/pkg/runtime, pkg/apis/meta/v1 and of the API groups.
const (
	unknownType  = 1
	unknownRaw   = 2
	typeKind     = 2
	listMeta     = 1
	listItems    = 2
	metaContinue = 3
)

// maxItem bounds one item of a list, in bytes; etcd takes none over 1.5 MB by default.
const maxItem = 64 << 20

// maxMeta bounds what a list says of itself, in bytes.
const maxMeta = 1 << 20

// eachItem hands over the items of a List answer of a kind one by one, so that a long list is never in
// memory as a whole, and returns where the next page starts. The slice is only valid during the call.
func eachItem(r *bufio.Reader, kind string, item func([]byte) error) (next string, err error) {
	magic, err := r.Peek(len(protobufMagic))
	if len(magic) == 0 && errors.Is(err, io.EOF) {
		return "", errNoObject
	}
	if !bytes.Equal(magic, protobufMagic) {
		return "", errNotProtobuf // whatever came of it: less than four bytes are no JSON either
	}
	if _, err := r.Discard(len(protobufMagic)); err != nil {
		return "", err
	}
	s := &wire{r: r}
	listed := false
	for {
		number, size, err := s.field()
		switch {
		case errors.Is(err, io.EOF) && !listed:
			return "", io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return next, nil
		case err != nil:
			return "", err
		case number == unknownType:
			meta, err := s.bytes(size, maxMeta)
			if err != nil {
				return "", err
			}
			if said := stringField(meta, typeKind); said != kind {
				return "", errNoObject // the fields of another kind mean something else
			}
		case number != unknownRaw:
			if err := s.skip(size); err != nil {
				return "", err
			}
		default:
			if next, err = s.items(size, item); err != nil {
				return "", err
			}
			listed = true
		}
	}
}

// stringField is the text of a field in a message, "" where it has none.
func stringField(message []byte, want protowire.Number) string {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return ""
		}
		message = message[n:]
		if number == want && kind == protowire.BytesType {
			text, _ := protowire.ConsumeBytes(message)
			return string(text)
		}
		if n = protowire.ConsumeFieldValue(number, kind, message); n < 0 {
			return ""
		}
		message = message[n:]
	}
	return ""
}

// wire reads protobuf fields from a stream.
type wire struct {
	r    *bufio.Reader
	read int64 // bytes so far
	buf  []byte
}

// ReadByte implements io.ByteReader.
func (s *wire) ReadByte() (byte, error) {
	b, err := s.r.ReadByte()
	if err == nil {
		s.read++
	}
	return b, err
}

// field reads the head of a length-delimited field; other types do not stand where it is called.
func (s *wire) field() (protowire.Number, int64, error) {
	tag, err := binary.ReadUvarint(s)
	if err != nil {
		return 0, 0, err
	}
	number, kind := protowire.DecodeTag(tag)
	if kind != protowire.BytesType {
		return 0, 0, fmt.Errorf("unexpected field type %d in a list", kind)
	}
	size, err := binary.ReadUvarint(s)
	if err != nil {
		return 0, 0, noEOF(err)
	}
	if size > maxList {
		return 0, 0, fmt.Errorf("a field of %d bytes in a list", size)
	}
	return number, int64(size), nil
}

// bytes reads a field that may have so many bytes. They are only valid until the next call.
func (s *wire) bytes(size, most int64) ([]byte, error) {
	if size > most {
		return nil, fmt.Errorf("an item of %d bytes in a list", size)
	}
	if int64(cap(s.buf)) < size {
		s.buf = make([]byte, size*2)
	}
	n, err := io.ReadFull(s.r, s.buf[:size])
	s.read += int64(n)
	return s.buf[:size], noEOF(err)
}

func (s *wire) skip(size int64) error {
	n, err := io.CopyN(io.Discard, s.r, size)
	s.read += n
	return noEOF(err)
}

func (s *wire) items(size int64, item func([]byte) error) (next string, err error) {
	for end := s.read + size; s.read < end; {
		number, n, err := s.field()
		if err != nil {
			return "", noEOF(err)
		}
		switch number {
		case listMeta:
			meta, err := s.bytes(n, maxMeta)
			if err != nil {
				return "", err
			}
			next = stringField(meta, metaContinue)
		case listItems:
			data, err := s.bytes(n, maxItem)
			if err != nil {
				return "", err
			}
			if err := item(data); err != nil {
				return "", err
			}
		default:
			if err := s.skip(n); err != nil {
				return "", err
			}
		}
	}
	return next, nil
}

// noEOF makes an end in the middle of a list an error that nobody takes for its end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
