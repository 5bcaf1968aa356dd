package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rematch-go/rematch/hash"
	"github.com/rematch-go/rematch/match"
)

// settingsCommands make banks and change their settings.
func (a *app) settingsCommands() []*cobra.Command {
	return []*cobra.Command{a.bankCreateCommand(), a.bankLabelCommand(), a.bankThresholdCommand(), a.bankActionCommand(), a.bankPolicyCommand(), a.bankRollOutCommand(), a.bankSuppressCommand()}
}

func (a *app) bankCreateCommand() *cobra.Command {
	var b match.Bank
	c := &cobra.Command{
		Use:   "create FILE NAME",
		Short: "Make an empty bank, in a new file or beside the banks of one",
		Long:  `Make an empty bank, in a new file or beside the banks of one that is there.` + editExits,
		Example: `  rematch bank create known.bank terror --action block --label tvec
  rematch bank create known.bank news --allow --suppress terror`,
		Args: cobra.ExactArgs(2),
		RunE: func(_ *cobra.Command, args []string) error {
			path := args[0]
			b.Name = args[1]
			_, err := os.Lstat(path)
			if errors.Is(err, os.ErrNotExist) {
				err = match.WriteFile(path, b)
			} else if err == nil {
				err = edit(path, func(m *match.Matcher) error { return m.Add(b) })
			}
			if err != nil {
				return err
			}
			return a.showBanks(path, shown{bank: b.Name})
		},
	}
	c.Flags().BoolVar(&b.Allow, "allow", false, "an allow-list: what it has suppresses matches of other banks")
	c.Flags().StringArrayVar(&b.Suppresses, "suppress", nil, "of an allow-list: a bank whose matches it suppresses; may be repeated (default: all)")
	c.Flags().StringArrayVar(&b.Labels, "label", nil, "label of everything in the bank; may be repeated")
	c.Flags().StringVar(&b.Action, "action", "", "what is to be done about a match, such as block or review")
	c.Flags().BoolVar(&b.RollOut.Shadow, "shadow", false, "matches are recorded and not reported")
	c.Flags().BoolVar(&b.Disabled, "disabled", false, "it matches nothing until it is enabled")
	return c
}

func (a *app) bankLabelCommand() *cobra.Command {
	var (
		bank               string
		set, add, takeAway []string
	)
	c := &cobra.Command{
		Use:   "label FILE [ENTRY...]",
		Short: "Change the labels of a bank, or of entries",
		Long:  `Change the labels of entries, or without any of the bank: --set replaces them, --add and --remove change them.` + editExits,
		Args:  cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			replace := c.Flags().Changed("set")
			if !replace && len(add)+len(takeAway) == 0 {
				return usagef("want --set, --add or --remove")
			}
			change := func(labels []string) []string {
				if replace {
					labels = slices.Clone(set)
				}
				labels = slices.DeleteFunc(labels, func(l string) bool { return l == "" || slices.Contains(takeAway, l) })
				for _, l := range add {
					if !slices.Contains(labels, l) {
						labels = append(labels, l)
					}
				}
				return labels
			}
			if len(args) == 1 {
				return a.editSettings(args[0], bank, func(b *match.Bank) error { b.Labels = change(b.Labels); return nil })
			}
			return a.editEntries(c.Context(), &place{file: args[0], bank: bank}, args[1:], func(e *match.Entry) { e.Labels = change(e.Labels) })
		},
	}
	c.Flags().StringArrayVar(&set, "set", nil, `a label in the place of all there are; may be repeated, "" alone leaves none`)
	c.Flags().StringArrayVar(&add, "add", nil, "a label to add; may be repeated")
	c.Flags().StringArrayVar(&takeAway, "remove", nil, "a label to take away; may be repeated")
	bankFlag(c, &bank)
	return c
}

// settingCommand is a command that changes settings of a bank.
func (a *app) settingCommand(use, short, long string, args cobra.PositionalArgs, change func(c *cobra.Command, args []string) (func(*match.Bank) error, error)) *cobra.Command {
	var bank string
	c := &cobra.Command{
		Use: use, Short: short, Long: long + editExits, Args: args,
		RunE: func(c *cobra.Command, args []string) error {
			do, err := change(c, args[1:])
			if err != nil {
				return err
			}
			return a.editSettings(args[0], bank, do)
		},
	}
	bankFlag(c, &bank)
	return c
}

func (a *app) bankThresholdCommand() *cobra.Command {
	return a.settingCommand("threshold FILE KIND BITS|default", "Say how many bits of a kind of hash may differ",
		`Say how many bits of a kind of hash may differ in a match of a bank, inclusive.`, cobra.ExactArgs(3),
		func(_ *cobra.Command, args []string) (func(*match.Bank) error, error) {
			k, err := hash.ParseKind(args[0])
			if err != nil {
				return nil, usagef("%q: %w", args[0], err)
			}
			most := match.DefaultMaxRadius(k)
			bits, err := strconv.Atoi(args[1])
			if args[1] != "default" && (err != nil || bits < 0 || bits > most) {
				return nil, usagef("%q: want 0 to %d bits, or default", args[1], most)
			}
			return func(b *match.Bank) error {
				if args[1] == "default" {
					delete(b.Thresholds, k)
					return nil
				}
				if b.Thresholds == nil {
					b.Thresholds = make(map[hash.Kind]int)
				}
				b.Thresholds[k] = bits
				return nil
			}, nil
		})
}

func (a *app) bankActionCommand() *cobra.Command {
	return a.settingCommand("action FILE ACTION", "Say what is to be done about matches of a bank",
		`Say what is to be done about matches of a bank, in your own words, such as block or review; ""
for nothing. Every match tells it.`, cobra.ExactArgs(2),
		func(_ *cobra.Command, args []string) (func(*match.Bank) error, error) {
			return func(b *match.Bank) error { b.Action = args[0]; return nil }, nil
		})
}

func (a *app) bankPolicyCommand() *cobra.Command {
	return a.settingCommand("policy FILE WHAT=TREATMENT...", "Say what becomes of matches, by what is said of an entry",
		`Say what becomes of a bank's matches, by what is said of an entry. WHAT is none, positive, seed,
negative, disputed or quarantined; TREATMENT is report, shadow (recorded, not reported),
ignore or default: none, positive and seed are reported, negative ignored, disputed and
quarantined shadowed.`, cobra.MinimumNArgs(2),
		func(_ *cobra.Command, args []string) (func(*match.Bank) error, error) {
			type setting struct {
				of *match.Treatment
				to match.Treatment
			}
			parse := func(p *match.Policy) (list []setting, err error) {
				for _, arg := range args {
					what, token, _ := strings.Cut(arg, "=")
					of := policyFields(p)[what]
					to, err := match.ParseTreatment(token)
					if of == nil || err != nil {
						return nil, usagef("%q: want WHAT=TREATMENT, such as seed=shadow", arg)
					}
					list = append(list, setting{of, to})
				}
				return list, nil
			}
			if _, err := parse(new(match.Policy)); err != nil {
				return nil, err
			}
			return func(b *match.Bank) error {
				list, err := parse(&b.Policy)
				for _, s := range list {
					*s.of = s.to
				}
				return err
			}, nil
		})
}

// policyFields are the parts of a policy by name.
func policyFields(p *match.Policy) map[string]*match.Treatment {
	return map[string]*match.Treatment{"none": &p.None, "positive": &p.Positive, "seed": &p.Seed, "negative": &p.Negative, "disputed": &p.Disputed, "quarantined": &p.Quarantined}
}

func (a *app) bankRollOutCommand() *cobra.Command {
	var key string
	c := a.settingCommand("rollout FILE shadow|PERCENT", "Say for which uploads matches of a bank are reported",
		`Say for which uploads matches of a bank are reported: for none of them (shadow), or for a
percentage, 100 for all. Other matches are recorded as shadow matches. The same upload always
gets the same answer.`, cobra.ExactArgs(2),
		func(c *cobra.Command, args []string) (func(*match.Bank) error, error) {
			percent, err := strconv.ParseFloat(args[0], 64)
			shadow := args[0] == "shadow"
			if !shadow && (err != nil || !(percent > 0 && percent <= 100)) {
				return nil, usagef("%q: want shadow, or more than 0 and up to 100", args[0])
			}
			return func(b *match.Bank) error {
				b.RollOut.Shadow, b.RollOut.Percent = shadow, percent
				if percent == 100 {
					b.RollOut.Percent = 0 // all
				}
				if c.Flags().Changed("key") {
					b.RollOut.Key = key
				}
				return nil
			}, nil
		})
	c.Flags().StringVar(&key, "key", "", "the key of the hash that chooses uploads")
	return c
}

func (a *app) bankSuppressCommand() *cobra.Command {
	return a.settingCommand("suppress FILE BANK...|all", "Say of which banks an allow-list suppresses matches",
		`Say of which banks an allow-list suppresses matches: those that are named, or all.`, cobra.MinimumNArgs(2),
		func(_ *cobra.Command, args []string) (func(*match.Bank) error, error) {
			if len(args) == 1 && args[0] == "all" {
				args = nil
			}
			return func(b *match.Bank) error {
				if !b.Allow {
					return fmt.Errorf("bank %s is no allow-list", display(b.Name))
				}
				b.Suppresses = args
				return nil
			}, nil
		})
}
