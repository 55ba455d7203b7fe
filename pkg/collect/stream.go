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

// The field numbers of runtime.Unknown and of every List kind. Source: generated.proto of
// k8s.io/apimachinery/pkg/runtime and of the API groups.
const (
	unknownRaw = 2
	listItems  = 2
)

// maxItem bounds one item of a list, in bytes; etcd takes none over 1.5 MB by default.
const maxItem = 64 << 20

// eachItem hands over the items of a List answer one by one, so that a long list is never in memory
// as a whole. The slice is only valid during the call.
func eachItem(r *bufio.Reader, item func([]byte) error) error {
	magic, err := r.Peek(len(protobufMagic))
	if err != nil {
		return err
	}
	if !bytes.Equal(magic, protobufMagic) {
		return errNotProtobuf
	}
	if _, err := r.Discard(len(protobufMagic)); err != nil {
		return err
	}
	s := &wire{r: r}
	listed := false
	for {
		number, size, err := s.field()
		switch {
		case errors.Is(err, io.EOF) && !listed:
			return io.ErrUnexpectedEOF
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case number != unknownRaw:
			if err := s.skip(size); err != nil {
				return err
			}
		default:
			if err := s.items(size, item); err != nil {
				return err
			}
			listed = true
		}
	}
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
		return 0, 0, io.ErrUnexpectedEOF
	}
	return number, int64(size), nil //nolint:gosec // bounded by its users
}

func (s *wire) skip(size int64) error {
	n, err := io.CopyN(io.Discard, s.r, size)
	s.read += n
	return noEOF(err)
}

func (s *wire) items(size int64, item func([]byte) error) error {
	for end := s.read + size; s.read < end; {
		number, n, err := s.field()
		if err != nil {
			return noEOF(err)
		}
		if number != listItems {
			if err := s.skip(n); err != nil {
				return err
			}
			continue
		}
		if n > maxItem {
			return fmt.Errorf("an item of %d bytes in a list", n)
		}
		if int64(cap(s.buf)) < n {
			s.buf = make([]byte, n*2)
		}
		m, err := io.ReadFull(s.r, s.buf[:n])
		s.read += int64(m)
		if err != nil {
			return noEOF(err)
		}
		if err := item(s.buf[:n]); err != nil {
			return err
		}
	}
	return nil
}

// noEOF makes an end in the middle of a list an error that nobody takes for its end.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
